//! The guard by itself, over tools that do as they are told, in time that the test moves.

use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::future::join_all;
use serde_json::json;

use super::*;
use crate::model::{Annotations, observation::Observations};

/// A tool that takes a while and then answers as its script says, the last word again and again.
struct Scripted {
    name: &'static str,
    backend: &'static str,
    takes: Duration,
    writes: bool,
    answers: Mutex<Vec<Result<(), ToolErrorKind>>>,
    called: AtomicU32,
    at_once: AtomicU32,
    most_at_once: AtomicU32,
}

impl Scripted {
    fn new(name: &'static str, backend: &'static str, millis: u64, answers: &[Result<(), ToolErrorKind>]) -> Arc<Self> {
        Arc::new(Self {
            name,
            backend,
            takes: Duration::from_millis(millis),
            writes: false,
            answers: Mutex::new(answers.iter().rev().copied().collect()),
            called: AtomicU32::new(0),
            at_once: AtomicU32::new(0),
            most_at_once: AtomicU32::new(0),
        })
    }

    fn calls(&self) -> u32 {
        self.called.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Tool for Scripted {
    fn spec(&self) -> ToolSpec {
        let mut spec = ToolSpec::reading(self.name, "does as it is told").of(self.backend);
        if self.writes {
            spec.annotations = Annotations::UNKNOWN;
        }
        spec
    }

    async fn call(&self, _arguments: &Value) -> Result<Output, ToolError> {
        self.called.fetch_add(1, Ordering::SeqCst);
        let now = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_at_once.fetch_max(now, Ordering::SeqCst);
        tokio::time::sleep(self.takes).await;
        self.at_once.fetch_sub(1, Ordering::SeqCst);
        let answer = {
            let mut answers = self.answers.lock().unwrap();
            if answers.len() > 1 { answers.pop().unwrap() } else { answers.first().copied().unwrap_or(Ok(())) }
        };
        let observations = Observations { gaps: vec!["password=hunter2hunter2".to_owned()], ..Observations::default() };
        answer
            .map(|()| Output { observations: Arc::new(observations), ..Output::default() })
            .map_err(|kind| ToolError::new(self.name, "token=abcdefgh failed", kind))
    }
}

#[derive(Default)]
struct Heard(Mutex<Vec<(String, Outcome, u32)>>);

impl Watcher for Heard {
    fn called(&self, call: &Called<'_>) {
        assert!(!call.arguments.contains("hunter2") && !call.error.contains("abcdefgh"), "no secret reaches the audit: {call:?}");
        self.0.lock().unwrap().push((call.tool.to_owned(), call.outcome, call.attempts));
    }
}

fn guarded(tools: Vec<Arc<Scripted>>, limits: Limits) -> (Vec<Arc<dyn Tool>>, Arc<Heard>) {
    let heard = Arc::new(Heard::default());
    let tools = tools.into_iter().map(|tool| tool as Arc<dyn Tool>).collect();
    (Guards::new(limits, Arc::clone(&heard) as Arc<dyn Watcher>, || 0.5).around(tools), heard)
}

#[tokio::test(start_paused = true)]
async fn one_question_is_asked_once_however_many_want_its_answer() {
    let tool = Scripted::new("a", "x", 100, &[Ok(())]);
    let (tools, heard) = guarded(vec![Arc::clone(&tool)], Limits::default());
    let question = json!({"password": "hunter2hunter2"});
    let answers = join_all((0..20).map(|_| tools[0].call(&question))).await;
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap().observations.gaps == ["password=[redacted secret]"]));
    assert_eq!(tool.calls(), 1);
    tools[0].call(&json!({"b": 1})).await.unwrap();
    assert_eq!(tool.calls(), 2, "another question is another call");
    assert_eq!(heard.0.lock().unwrap().iter().filter(|(_, outcome, _)| *outcome == Outcome::FromCache).count(), 19);
}

#[tokio::test(start_paused = true)]
async fn a_passing_failure_is_tried_again_and_a_refusal_is_not() {
    let passing = Scripted::new(
        "a",
        "x",
        10,
        &[Err(ToolErrorKind::Unavailable), Err(ToolErrorKind::RateLimited(Some(Duration::from_secs(2)))), Ok(())],
    );
    let refused = Scripted::new("b", "y", 10, &[Err(ToolErrorKind::PermissionDenied)]);
    let (tools, heard) = guarded(vec![Arc::clone(&passing), Arc::clone(&refused)], Limits::default());
    let began = Instant::now();
    tools[0].call(&json!({})).await.unwrap();
    assert!(began.elapsed() >= Duration::from_secs(2), "the rest that it asked for is kept");
    let error = tools[1].call(&json!({})).await.unwrap_err();
    assert_eq!((passing.calls(), refused.calls(), error.message.as_str()), (3, 1, "token=[redacted secret] failed"));
    assert_eq!(heard.0.lock().unwrap().iter().map(|(_, _, attempts)| *attempts).collect::<Vec<_>>(), [3, 1]);
}

#[tokio::test(start_paused = true)]
async fn what_may_change_something_is_neither_kept_nor_tried_again() {
    let mut tool = Scripted::new("a", "x", 10, &[Err(ToolErrorKind::Unavailable), Ok(())]);
    Arc::get_mut(&mut tool).unwrap().writes = true;
    let (tools, _) = guarded(vec![Arc::clone(&tool)], Limits::default());
    tools[0].call(&json!({})).await.unwrap_err();
    tools[0].call(&json!({})).await.unwrap();
    tools[0].call(&json!({})).await.unwrap();
    assert_eq!(tool.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_in_its_time_and_a_retry_that_would_not_is_not_begun() {
    let hangs = Scripted::new("a", "x", 60_000, &[Ok(())]);
    let slow = Scripted::new("b", "y", 5_000, &[Err(ToolErrorKind::Unavailable)]);
    let (tools, _) = guarded(vec![Arc::clone(&hangs), Arc::clone(&slow)], Limits::default());
    let began = Instant::now();
    assert_eq!(tools[0].call(&json!({})).await.unwrap_err().kind, ToolErrorKind::Timeout);
    assert_eq!(began.elapsed(), Duration::from_secs(8));
    let began = Instant::now();
    assert_eq!(tools[1].call(&json!({})).await.unwrap_err().kind, ToolErrorKind::Unavailable, "the reason, and not that time was over");
    assert_eq!((began.elapsed(), slow.calls()), (Duration::from_secs(5), 1));
}

#[tokio::test(start_paused = true)]
async fn a_backend_is_asked_by_so_many_at_once_and_a_second() {
    let tool = Scripted::new("a", "x", 1_000, &[Ok(())]);
    let limits = Limits { concurrent: 3, per_second: 5, timeout: Duration::from_secs(600), ..Limits::default() };
    let (tools, _) = guarded(vec![Arc::clone(&tool)], limits);
    let began = Instant::now();
    let questions: Vec<Value> = (0..12).map(|at| json!({"at": at})).collect();
    join_all(questions.iter().map(|question| tools[0].call(question).map_ok_to_unit())).await;
    assert_eq!(tool.most_at_once.load(Ordering::SeqCst), 3);
    assert!(began.elapsed() >= Duration::from_secs(4), "12 calls of a second each by three at once: {:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn tools_of_one_investigation_take_as_long_as_the_slowest() {
    let tools: Vec<Arc<Scripted>> = [("a", "v", 300), ("b", "w", 900), ("c", "x", 1_000), ("d", "y", 500), ("e", "z", 50)]
        .map(|(name, backend, millis)| Scripted::new(name, backend, millis, &[Ok(())]))
        .into();
    let (tools, _) = guarded(tools, Limits::default());
    let began = Instant::now();
    join_all(tools.iter().map(|tool| tool.call(&Value::Null).map_ok_to_unit())).await;
    let ratio = began.elapsed().as_secs_f64() / 1.0;
    assert!(ratio <= 1.3, "wall time is {ratio} times the slowest");
}

/// A call whose answer does not matter.
trait ToUnit {
    async fn map_ok_to_unit(self);
}

impl<F: Future<Output = Result<Output, ToolError>>> ToUnit for F {
    async fn map_ok_to_unit(self) {
        self.await.unwrap();
    }
}
