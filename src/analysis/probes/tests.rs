use super::*;

fn check_one(command: &str, output: &str) -> Checked {
    let body = serde_json::json!({"command": command, "text": output});
    let focus = Focus { now: "2025-06-10T10:00:00Z".parse().ok(), ..Focus::default() };
    check(&[Document { source: "t".to_owned(), kind: "transcript".to_owned(), body }], &focus)
}

#[test]
fn what_is_well_is_ruled_out() {
    for (command, output) in [
        (
            "dig a.example",
            ";; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 1\n;; ANSWER SECTION:\na.example. 30 IN A 10.0.0.1\n;; Query time: 1 msec\n",
        ),
        ("nc -zv db 5432", "Connection to db 5432 port [tcp/postgresql] succeeded!\n"),
        ("ping -c 2 db", "PING db (10.0.0.1) 56(84) bytes of data.\n2 packets transmitted, 2 received, 0% packet loss, time 1ms\n"),
    ] {
        let checked = check_one(command, output);
        assert_eq!((checked.findings.len(), checked.ruled_out.len()), (0, 1), "{command}: {:?}", checked.findings);
    }
}

#[test]
fn nothing_is_too_odd() {
    for output in
        ["", ";; SERVER:", "curl: (", "curl: (7", "PING ", "% packet loss", "NotAfter:", "time_total: x", "CONNECTED(", "Server:\nAddress:"]
    {
        for command in ["", "dig", "curl https://", "nc", "openssl s_client -connect "] {
            let _ = check_one(command, output);
        }
    }
}
