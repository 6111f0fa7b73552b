//! Every reader against what people and machines really leave in files.

use std::{fs, io::Write, path::Path};

use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;

use super::*;
use crate::model::observation::Observations;

fn read(text: &str) -> Observations {
    let mut out = Observations::default();
    sniff::read("evidence.txt", text.as_bytes(), &mut out);
    out
}

fn open(folder: &Path) -> Observations {
    Bundle::open(folder).unwrap().observations().clone()
}

const POD: &str = "\
Name:             cart-7c5ddbdf54-x2x9v
Namespace:        shop
Node:             node-1/10.0.0.1
Labels:           app=cart
                  pod-template-hash=7c5ddbdf54
Status:           Running
IP:               10.1.0.7
Controlled By:    ReplicaSet/cart-7c5ddbdf54
Containers:
  main:
    Image:         registry.example/cart:1.2
    Port:          8080/TCP
    Command:
      sh
      -c
      echo \"Ready: True\"
    State:          Waiting
      Reason:       CrashLoopBackOff
    Last State:     Terminated
      Reason:       OOMKilled
      Exit Code:    137
      Finished:     Tue, 12 Aug 2025 06:42:07 +0200
    Ready:          False
    Restart Count:  16
    Limits:
      memory:  50Mi
    Requests:
      memory:   50Mi
    Readiness:  http-get http://:8080/ready delay=5s timeout=1s period=10s #success=1 #failure=3
    Environment:
      TOKEN:  <set to the key 'token' in secret 'cart'>  Optional: false
      MODE:   fast
    Mounts:
      /data from data (rw)
Conditions:
  Type              Status
  Ready             False
  PodScheduled      True
Volumes:
  data:
    Type:       PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)
    ClaimName:  cart-data
    ReadOnly:   false
QoS Class:       Burstable
Node-Selectors:  disk=ssd
Events:
  Type     Reason   Age                    From     Message
  ----     ------   ----                   ----     -------
  Warning  BackOff  3m19s (x256 over 58m)  kubelet  Back-off restarting failed container main in pod cart
";

#[test]
fn a_described_pod_has_the_fields_of_the_api() {
    let found = read(POD);
    let pod = &found.objects[0];
    assert_eq!((pod.kind.as_str(), pod.namespace.as_str(), pod.name.as_str()), ("Pod", "shop", "cart-7c5ddbdf54-x2x9v"));
    let at = |path: &str| pod.body.pointer(path).cloned().unwrap_or_default();
    assert_eq!(at("/status/containerStatuses/0/state/waiting/reason"), "CrashLoopBackOff");
    assert_eq!(at("/status/containerStatuses/0/lastState/terminated/reason"), "OOMKilled");
    assert_eq!(at("/status/containerStatuses/0/lastState/terminated/exitCode"), 137);
    assert_eq!(at("/status/containerStatuses/0/lastState/terminated/finishedAt"), "2025-08-12T04:42:07Z");
    assert_eq!(at("/status/containerStatuses/0/restartCount"), 16);
    assert_eq!(at("/spec/containers/0/resources/limits/memory"), "50Mi");
    assert_eq!(at("/spec/containers/0/readinessProbe/httpGet/port"), 8080);
    assert_eq!(at("/spec/containers/0/env/0/valueFrom/secretKeyRef/name"), "cart");
    assert_eq!(at("/spec/volumes/0/persistentVolumeClaim/claimName"), "cart-data");
    assert_eq!(at("/spec/nodeSelector/disk"), "ssd");
    assert_eq!(at("/metadata/ownerReferences/0/name"), "cart-7c5ddbdf54");
    assert_eq!((found.events[0].count, found.events[0].age_seconds), (256, Some(199)));
}

#[test]
fn every_described_kind_is_told_apart() {
    let cases = [
        (
            "Deployment",
            "Name:  a\nNamespace:  n\nSelector:  app=a\nReplicas:  3 desired | 3 updated | 3 total | 1 available | 2 unavailable\nStrategyType:  RollingUpdate\n",
        ),
        ("Job", "Name:  a\nNamespace:  n\nParallelism:  1\nCompletions:  1\nPods Statuses:  0 Active (0 Ready) / 0 Succeeded / 2 Failed\n"),
        (
            "DaemonSet",
            "Name:  a\nSelector:  app=a\nDesired Number of Nodes Scheduled: 3\nNumber of Nodes Scheduled with Available Pods: 2\n",
        ),
        ("StatefulSet", "Name:  a\nNamespace:  n\nReplicas:  3 desired | 3 total\nUpdate Strategy:  RollingUpdate\n"),
        (
            "ReplicaSet",
            "Name:  a\nNamespace:  n\nReplicas:  1 current / 3 desired\nPods Status:  1 Running / 0 Waiting / 0 Succeeded / 0 Failed\n",
        ),
        (
            "Service",
            "Name:  a\nNamespace:  n\nSelector:  app=a\nType:  ClusterIP\nPort:  http  80/TCP\nTargetPort:  8080/TCP\nEndpoints:  <none>\nSession Affinity:  None\n",
        ),
        (
            "PersistentVolumeClaim",
            "Name:  a\nNamespace:  n\nStorageClass:  fast\nStatus:  Pending\nVolume:\nVolumeMode:  Filesystem\nUsed By:  b\n",
        ),
        (
            "Node",
            "Name:  a\nRoles:  <none>\nTaints:  key=value:NoSchedule\nConditions:\n  Type  Status  Reason\n  ----  ------  ------\n  Ready  False  KubeletNotReady\n",
        ),
        (
            "HorizontalPodAutoscaler",
            "Name:  a\nNamespace:  n\nReference:  Deployment/a\nMin replicas:  1\nMax replicas:  3\nDeployment pods:  3 current / 3 desired\n",
        ),
        (
            "NetworkPolicy",
            "Name:  a\nNamespace:  n\nSpec:\n  PodSelector:     app=a\n  Allowing ingress traffic:\n    <none> (Selected pods are isolated for ingress connectivity)\n  Policy Types: Ingress\n",
        ),
        ("ResourceQuota", "Name:  a\nNamespace:  n\nResource  Used  Hard\n--------  ----  ----\npods      3     3\n"),
        ("ConfigMap", "Name:  a\nNamespace:  n\n\nData\n====\nkey:\n----\nvalue\n\nEvents:  <none>\n"),
        (
            "Widget",
            "Name:  a\nNamespace:  n\nAPI Version:  example.com/v1\nKind:  Widget\nStatus:\n  Conditions:\n    Last Transition Time:  2025-01-01T00:00:00Z\n    Status:  False\n    Type:  Ready\n",
        ),
    ];
    for (kind, text) in cases {
        let found = read(text);
        assert!(
            found.objects.iter().any(|object| object.kind == kind && object.name == "a"),
            "{kind}: {:?}",
            found.objects.iter().map(|object| &object.kind).collect::<Vec<_>>()
        );
    }
}

#[test]
fn tables_with_and_without_header_become_objects() {
    let table = "NAMESPACE   NAME                    READY   STATUS             RESTARTS        AGE\nshop        cart-7c5ddbdf54-x2x9v   0/1     CrashLoopBackOff   12 (3m ago)     3d\n";
    let pod = &read(table).objects[0];
    assert_eq!((pod.kind.as_str(), pod.namespace.as_str()), ("Pod", "shop"));
    assert_eq!(pod.body.pointer("/status/containerStatuses/0/state/waiting/reason").unwrap(), "CrashLoopBackOff");
    assert_eq!(pod.body.pointer("/ageSeconds").unwrap(), 259_200);
    let line = "shop        web-6f5cbdf85-c5fsf   0/1     Init:Error   3 (5s ago)   46s   10.0.0.1   node-1   <none>   <none>\n";
    let found = read(line);
    assert_eq!(found.objects[0].body.pointer("/status/initContainerStatuses/0/state/terminated/reason").unwrap(), "Error");
    assert_eq!(read("default   web   2/3   3   2   46s   app   image:1   app=web\n").objects[0].kind, "Deployment");
    let events = "LAST SEEN   TYPE      REASON    OBJECT      MESSAGE\n3m          Warning   Failed    Pod/cart    Error: ErrImagePull\n";
    assert_eq!(read(events).events[0].entity.name, "cart");
}

#[test]
fn objects_are_read_from_json_yaml_lists_and_envelopes() {
    let pod = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"n"}}"#;
    let typed = r#"{"kind":"PodList","apiVersion":"v1","items":[{"metadata":{"name":"a","namespace":"n"}}]}"#;
    let yaml =
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: s\n---\nbroken: [\n---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n";
    assert_eq!(read(pod).objects.len(), 1);
    assert_eq!(read(typed).objects[0].kind, "Pod");
    assert_eq!(read(&format!("{pod}\n{pod}")).objects.len(), 2);
    assert_eq!(read(yaml).objects.len(), 2);
    let wrapped = serde_json::json!({"status": "success", "error": null, "data": POD}).to_string();
    assert_eq!(read(&wrapped).objects[0].kind, "Pod");
    let event = r#"{"apiVersion":"v1","kind":"Event","metadata":{"name":"e","namespace":"n"},"involvedObject":{"kind":"Pod","name":"a"},"reason":"BackOff","type":"Warning","count":3,"lastTimestamp":"2025-01-01T00:00:00Z"}"#;
    assert_eq!((read(event).events[0].count, read(event).events[0].entity.namespace.as_str()), (3, "n"));
}

#[test]
fn refusals_are_gaps_not_logs() {
    let cases = [
        "Error from server (Forbidden): secrets is forbidden: User \"x\" cannot list resource \"secrets\"",
        "Command `kubectl top pods -A` failed with return code 1\n\nerror: Metrics API not available\n",
        "The connection to the server 127.0.0.1:6443 was refused - did you specify the right host or port?",
        "No resources found in shop namespace.",
    ];
    for text in cases {
        let found = read(text);
        assert_eq!((found.logs.len(), found.gaps.len()), (0, 1), "{text}");
    }
}

#[test]
fn damaged_files_are_gaps_and_never_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    write("core", &[0, 1, 2, 3, 0xff, 0xfe, 0, 0]);
    write("cut.json", br#"{"apiVersion":"v1","kind":"List","items":[{"kind":"Pod","metad"#);
    write("bad.gz", &[0x1f, 0x8b, 8, 0, 1, 2, 3]);
    write("latin.log", b"2025-01-01T00:00:00Z ERROR caf\xe9 is closed\n");
    write("empty", b"");
    write("broken.yaml", b"apiVersion: v1\nkind: [\n");
    write("long.log", format!("2025-01-01T00:00:00Z ERROR {}\n", "x".repeat(100_000)).as_bytes());
    let found = open(folder.path());
    for name in ["core", "cut.json", "bad.gz", "broken.yaml"] {
        assert!(found.gaps.iter().any(|gap| gap.contains(name)), "{name}: {:?}", found.gaps);
    }
    assert_eq!(found.logs.len(), 2);
    assert!(found.logs.iter().flat_map(|log| &log.lines).all(|line| line.text.len() <= wrapping::LINE_LIMIT));
}

#[cfg(unix)]
#[test]
fn links_are_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/etc/passwd", folder.path().join("passwd.log")).unwrap();
    std::os::unix::fs::symlink(folder.path(), folder.path().join("loop")).unwrap();
    let found = open(folder.path());
    assert!(found.logs.is_empty());
    assert_eq!(found.gaps.len(), 2);
}

#[test]
fn archives_are_read_and_their_traps_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle.tar.gz");
    let mut builder = tar::Builder::new(GzEncoder::new(fs::File::create(&path).unwrap(), Compression::fast()));
    let mut add = |name: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        builder.append(&header, bytes).unwrap();
    };
    add("namespaces/shop/pods/cart-0/main/main/logs/current.log", b"2025-01-01T00:00:00Z ERROR no\n");
    add("../../etc/cron.d/evil", b"2025-01-01T00:00:00Z ERROR evil\n");
    add("/etc/absolute", b"2025-01-01T00:00:00Z ERROR evil\n");
    builder.into_inner().unwrap().finish().unwrap();
    let found = open(&path);
    assert_eq!(found.logs.len(), 1);
    assert_eq!((found.logs[0].entity.namespace.as_str(), found.logs[0].entity.name.as_str()), ("shop", "cart-0"));
    assert_eq!(found.gaps.len(), 2, "{:?}", found.gaps);
}

#[test]
fn a_zip_bomb_is_cut() {
    let folder = tempfile::tempdir().unwrap();
    let mut encoder = GzEncoder::new(fs::File::create(folder.path().join("bomb.gz")).unwrap(), Compression::best());
    let block = vec![0x20_u8; 1 << 20];
    for _ in 0..80 {
        encoder.write_all(&block).unwrap();
    }
    encoder.finish().unwrap();
    let found = open(folder.path());
    assert!(found.gaps.iter().any(|gap| gap.contains("bomb.gz")), "{:?}", found.gaps);
}

#[test]
fn logs_are_named_by_their_files() {
    let cases = [
        ("shop.cart-7c5ddbdf54-x2x9v.log", "cart-7c5ddbdf54-x2x9v"),
        ("cart-7c5ddbdf54-x2x9v.txt", "cart-7c5ddbdf54-x2x9v"),
        ("previous-cart-7c5ddbdf54-x2x9v.log", "cart-7c5ddbdf54-x2x9v"),
        ("pods/cart-0/main/current.log", "cart-0"),
    ];
    for (path, pod) in cases {
        let mut observations = read(POD);
        sniff::read(path, b"2025-01-01T00:00:00Z ERROR no\n", &mut observations);
        names::attach(&mut observations);
        assert_eq!(observations.logs[0].entity.name, pod, "{path}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_text_breaks_a_reader(text in "\\PC{0,400}") {
        read(&text);
    }

    #[test]
    fn no_bytes_break_a_reader(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let mut out = Observations::default();
        sniff::read("x", &bytes, &mut out);
        names::attach(&mut out);
    }

    /// Pieces of real outputs in any order, cut anywhere.
    #[test]
    fn no_mixture_of_real_pieces_breaks_a_reader(
        pieces in proptest::collection::vec(proptest::sample::select(vec![
            "Name:  a\n", "Namespace:  n\n", "Containers:\n", "  main:\n", "    State:  Waiting\n", "      Reason:  X\n", "Status:  Pending\n", "Events:\n",
            "  Type     Reason   Age   From  Message\n", "  Warning  BackOff  3m (x9 over 1h)  kubelet  é…\n", "NAME  READY  STATUS  RESTARTS  AGE\n",
            "a  0/1  Error  3 (5s ago)  46s\n", "LAST SEEN  TYPE  REASON  OBJECT  MESSAGE\n", "├── Pod/a  0/1  Error  1d\n", "{\"kind\":\"List\",", "\"items\":[{}]}\n", "---\n",
            "apiVersion: v1\n", "kind: Pod\n", "metadata:\n  name: a\n", "====================\n", "TITLE\n", "Data\n====\n", "key:\n----\n", "\u{1b}[31mred\u{1b}[0m\n",
            "Policy Types: Ingress\n", "  PodSelector: a=b\n", "Rules:\n", "  h  /p  svc:80 (1.2.3.4:80)\n", "Roles: x\nTaints: k=v:E\n", "\t\t: :\n", "2025-01-01T00:00:00Z ERROR x\n",
            "Sync Status: x\nHealth Status: y\nGROUP  KIND  NAME  STATUS\n", "API Version: a/b\nKind: W\n", "Replicas: 3 desired |\nStrategyType: R\n", "    ", "\n", ":", "  Limits:\n    cpu:  \n",
        ]), 0..25),
        cut in 0_usize..400,
    ) {
        let text: String = pieces.concat();
        let end = (0..=cut.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        read(&text[..end]);
        read(&text[end..]);
        let mut cut_pod = POD.to_owned();
        cut_pod.truncate(cut.min(POD.len()));
        read(&cut_pod);
    }
}

#[test]
fn pods_that_only_events_tell_of_are_read_from_them() {
    let event = |reason: &str, message: &str, pod: &str| {
        format!(
            r#"{{"apiVersion":"v1","kind":"Event","metadata":{{"name":"e.{pod}.{reason}","namespace":"prod"}},"type":"Warning","reason":"{reason}","message":"{message}","involvedObject":{{"kind":"Pod","name":"{pod}","namespace":"prod"}},"lastTimestamp":"2026-01-15T14:05:00Z"}}"#
        )
    };
    let list = |items: &[String]| format!(r#"{{"apiVersion":"v1","kind":"List","items":[{}]}}"#, items.join(","));
    let pods = |text: &str| -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("events.json"), text).unwrap();
        let bundle = Bundle::open(folder.path()).unwrap();
        bundle.observations().objects.iter().filter(|object| object.kind == "Pod").map(|object| object.name.clone()).collect()
    };
    let stuck = event("FailedScheduling", "0/3 nodes are available: 3 Insufficient memory.", "reports-1");
    assert_eq!(pods(&list(&[stuck.clone(), event("Unhealthy", "probe failed", "web-1")])), ["reports-1"]);
    let other =
        r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web-1","namespace":"prod"},"status":{"phase":"Running"}}"#.to_owned();
    assert_eq!(pods(&list(&[stuck, other])), ["web-1"], "where pods were collected, one that is not among them is history");
}

/// Files that are not what they should be: an answer with a gap, and what can be saved.
#[test]
fn bad_files_are_gaps_and_never_the_end() {
    let pod = |name: &str| format!(r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"{name}","namespace":"shop"}}}}"#);
    let cut = format!(r#"{{"apiVersion":"v1","kind":"List","items":[{},{},{{"kind":"Po"#, pod("a"), pod("b"));
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    let deep_yaml = (0..2_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect::<String>();
    let bomb =
        format!("a: &a [x,x,x,x,x,x,x,x,x]\n{}", (1..12).map(|n| format!("b{n}: &b{n} [*a,*a,*a,*a,*a,*a,*a,*a]\n")).collect::<String>());
    let html = "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>";
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("cut.json", cut.into_bytes(), "its first 2 items were read"),
        ("broken.json", br#"{"kind":"Pod", "metadata": nope}"#.to_vec(), "damaged JSON"),
        ("empty.json", b"{".to_vec(), ""),
        ("deep.json", deep.into_bytes(), ""),
        ("deep.yaml", deep_yaml.into_bytes(), ""),
        ("bomb.yaml", bomb.into_bytes(), ""),
        ("numbers.json", br#"{"a": 1e999999, "b": -0.0000e-9999, "c": 99999999999999999999999999999999}"#.to_vec(), ""),
        ("nul.bin", vec![0; 64], "binary"),
        ("latin1.log", b"2026-01-01T00:00:00Z ERROR gr\xf6\xdfe \xff\xfe".to_vec(), ""),
        ("page.html", html.as_bytes().to_vec(), ""),
        ("none.log", Vec::new(), "nothing in it that could be read"),
        (
            "jumps.log",
            b"2026-01-01T00:00:00Z a\n1970-01-01T00:00:00Z b\n9999-12-31T23:59:59Z c\n2026-01-01T00:00:00+14:00 d\n".to_vec(),
            "",
        ),
        (
            "metrics.csv",
            b"timestamp,service,metric,value\n2026-01-01T00:00:00Z,a,cpu,NaN\n,,,\nx,y,z,inf\n2026-01-01T00:00:00Z,a,cpu\n".to_vec(),
            "",
        ),
        (
            "owners.json",
            br#"{"kind":"Pod","metadata":{"name":"a","ownerReferences":[{"kind":"Pod","name":"a","controller":true}]}}"#.to_vec(),
            "",
        ),
    ];
    for (name, bytes, expected) in cases {
        let bundle = Bundle::of_files([(name, bytes.as_slice())]);
        let gaps = bundle.observations().gaps.join("; ");
        assert!(gaps.contains(expected), "{name}: {gaps:?}");
    }
    let saved = Bundle::of_files([("cut.json", format!("[{},{},{{", pod("a"), pod("b")).as_bytes())]);
    assert_eq!(saved.observations().objects.len(), 2);
}

#[test]
fn secrets_lose_their_values_at_the_door() {
    let planted = "c3VwZXItc2VjcmV0LXBhc3N3b3Jk";
    let secret = format!(
        r#"{{"apiVersion":"v1","kind":"Secret","metadata":{{"name":"s","namespace":"n","annotations":{{"kubectl.kubernetes.io/last-applied-configuration":"{{\"data\":{{\"p\":\"{planted}\"}}}}"}}}},"data":{{"password":"{planted}","tls.crt":"{planted}","tls.key":"{planted}"}},"stringData":{{"token":"{planted}"}}}}"#
    );
    let list = format!(r#"{{"apiVersion":"v1","kind":"SecretList","items":[{secret}]}}"#);
    let yaml = format!("apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\ndata:\n  password: {planted}\n");
    for text in [secret, list, yaml] {
        let mut out = Observations::default();
        sniff::read("s.json", text.as_bytes(), &mut out);
        assert_eq!(out.objects.len(), 1, "{text}");
        assert!(out.objects[0].body.pointer("/data/password").is_some());
        assert!(!format!("{out:?}").contains(planted), "{out:?}");
    }
}
