//! What people press, choose and fill in, and the plan that fills in while they wait.

use serde_json::{Value, json};

use super::{ID_MAX, context, cut, filled, plain_text};
use crate::model::{Action, ActionKind, ActionStyle, Choice, Input, InputKind, Task, TaskState, Text};

// Source of every limit: Slack's Block Kit reference (see `docs.slack.dev/reference/block-kit`).
const ACTIONS_MAX: usize = 25;
const LABEL_MAX: usize = 75;
const VALUE_MAX: usize = 2000;
const URL_MAX: usize = 3000;
const CHOICE_VALUE_MAX: usize = 150;
const MENU_MAX: usize = 100;
const OVERFLOW_MAX: usize = 5;
const RADIO_MAX: usize = 10;
const CONFIRM_TITLE_MAX: usize = 100;
const CONFIRM_TEXT_MAX: usize = 300;
const CONFIRM_VERB_MAX: usize = 30;
const PLACEHOLDER_MAX: usize = 150;
const INPUT_LABEL_MAX: usize = 2000;
const INPUT_HINT_MAX: usize = 2000;
const INPUT_TEXT_MAX: usize = 3000;
const TASKS_MAX: usize = 50;
const TASK_TITLE_MAX: usize = 256;

/// `None` when nothing is left that can be pressed.
pub fn actions(actions: &[Action]) -> Option<Value> {
    let mut shown: Vec<Value> = Vec::new();
    for element in actions.iter().filter_map(element) {
        // Slack tells a block's elements apart by their ids.
        if shown.len() < ACTIONS_MAX && shown.iter().all(|other| other.get("action_id") != element.get("action_id")) {
            shown.push(element);
        }
    }
    if shown.is_empty() {
        return None;
    }
    // Menus have no value of their own: the block's id says what they are about. It changes with the actions, because
    // Slack wants a new one where the content changed.
    let about = actions.iter().map(|action| action.value.as_str()).find(|value| !value.is_empty()).unwrap_or_default();
    let ids: Vec<&str> = actions.iter().map(|action| action.id.as_str()).collect();
    Some(json!({"type": "actions", "block_id": cut(&format!("{about}|{}", ids.join(",")), ID_MAX), "elements": shown}))
}

/// What an actions block is about: the part of its id before the bar.
pub fn about(block_id: &str) -> &str {
    block_id.split('|').next().unwrap_or_default()
}

/// `None` for a menu without a choice.
pub fn element(action: &Action) -> Option<Value> {
    if let ActionKind::More(choices) | ActionKind::Menu(choices) = &action.kind
        && choices.is_empty()
    {
        return None;
    }
    let mut element = match &action.kind {
        ActionKind::Button => {
            json!({"type": "button", "text": plain_text(&action.label, LABEL_MAX), "value": cut(&action.value, VALUE_MAX)})
        }
        ActionKind::Link { url } => {
            json!({"type": "button", "text": plain_text(&action.label, LABEL_MAX), "value": cut(&action.value, VALUE_MAX),
            "url": cut(url, URL_MAX)})
        }
        ActionKind::More(choices) => json!({"type": "overflow", "options": options(choices, OVERFLOW_MAX)}),
        ActionKind::Menu(choices) => {
            json!({"type": "static_select", "placeholder": plain_text(&action.label, PLACEHOLDER_MAX), "options": options(choices, MENU_MAX)})
        }
        ActionKind::Person { chosen } => {
            let mut select = json!({"type": "users_select", "placeholder": plain_text(&action.label, PLACEHOLDER_MAX)});
            set(&mut select, "initial_user", chosen.as_ref().map(|user| json!(user)));
            select
        }
    };
    set(&mut element, "action_id", Some(filled(&action.id, ID_MAX).into()));
    let style = match action.style {
        ActionStyle::Plain => None,
        ActionStyle::Primary => Some("primary"),
        ActionStyle::Danger => Some("danger"),
    };
    set(&mut element, "style", style.filter(|_| matches!(action.kind, ActionKind::Button | ActionKind::Link { .. })).map(Value::from));
    let confirm = action.confirm.as_ref().map(|confirm| {
        json!({"title": plain_text(&confirm.title, CONFIRM_TITLE_MAX), "text": plain_text(&confirm.text, CONFIRM_TEXT_MAX),
            "confirm": plain_text(&confirm.yes, CONFIRM_VERB_MAX), "deny": plain_text("Cancel", CONFIRM_VERB_MAX)})
    });
    set(&mut element, "confirm", confirm);
    Some(element)
}

pub fn input(input: &Input) -> Value {
    let mut element = match &input.kind {
        InputKind::Text { value, placeholder, lines } => {
            let mut text = json!({"type": "plain_text_input", "multiline": lines, "max_length": INPUT_TEXT_MAX});
            set(&mut text, "initial_value", (!value.is_empty()).then(|| cut(value, INPUT_TEXT_MAX).into()));
            set(&mut text, "placeholder", (!placeholder.is_empty()).then(|| plain_text(placeholder, PLACEHOLDER_MAX)));
            text
        }
        InputKind::Menu { choices, chosen } => {
            let mut menu = json!({"type": "static_select", "options": offered(choices, MENU_MAX)});
            set(&mut menu, "initial_option", find(choices, chosen.as_deref(), MENU_MAX));
            menu
        }
        InputKind::Radio { choices, chosen } => {
            let mut radio = json!({"type": "radio_buttons", "options": offered(choices, RADIO_MAX)});
            set(&mut radio, "initial_option", find(choices, chosen.as_deref(), RADIO_MAX));
            radio
        }
        InputKind::Person { chosen } => {
            let mut person = json!({"type": "users_select"});
            set(&mut person, "initial_user", chosen.as_ref().map(|user| json!(user)));
            person
        }
    };
    set(&mut element, "action_id", Some(filled(&input.id, ID_MAX).into()));
    let mut block = json!({"type": "input", "block_id": filled(&input.id, ID_MAX), "label": plain_text(&input.label, INPUT_LABEL_MAX),
        "element": element, "optional": input.optional, "dispatch_action": input.live});
    set(&mut block, "hint", (!input.hint.is_empty()).then(|| plain_text(&input.hint, INPUT_HINT_MAX)));
    block
}

/// Slack's own block for steps that fill in. Source: docs.slack.dev, plan and task card blocks.
pub fn plan(title: &str, tasks: &[Task]) -> Value {
    let cards: Vec<Value> = tasks
        .iter()
        .take(TASKS_MAX)
        .map(|task| json!({"type": "task_card", "task_id": filled(&task.id, ID_MAX), "title": filled(&task.title, TASK_TITLE_MAX), "status": status(task.state)}))
        .collect();
    json!({"type": "plan", "title": filled(title, TASK_TITLE_MAX), "tasks": cards})
}

/// The same as pieces of a stream. Source: docs.slack.dev, `chat.appendStream`: 256 characters for each field of a step.
pub fn plan_chunks(title: &str, tasks: &[Task], delivery: &str) -> Vec<Value> {
    let steps = tasks.iter().take(TASKS_MAX).map(|task| {
        let id = format!("{delivery}/{}", task.id);
        json!({"type": "task_update", "id": cut(&id, ID_MAX), "title": filled(&task.title, TASK_TITLE_MAX), "status": status(task.state)})
    });
    std::iter::once(json!({"type": "plan_update", "title": filled(title, TASK_TITLE_MAX)})).chain(steps).collect()
}

fn status(state: TaskState) -> &'static str {
    match state {
        TaskState::Pending => "pending",
        TaskState::Running => "in_progress",
        TaskState::Done => "complete",
        TaskState::Failed => "error",
    }
}

/// The same steps for a workspace that does not know plans.
pub fn plan_as_text(title: &str, tasks: &[Task]) -> Value {
    let text = tasks.iter().take(TASKS_MAX).fold(Text::new().bold(title), |text, task| {
        let mark = match task.state {
            TaskState::Pending => "white_circle",
            TaskState::Running => "hourglass_flowing_sand",
            TaskState::Done => "white_check_mark",
            TaskState::Failed => "warning",
        };
        text.plain("\n").emoji(mark).plain(format!(" {}", task.title))
    });
    context(&text)
}

/// Slack's own thumbs. Source: docs.slack.dev, context actions block and feedback buttons element.
pub fn feedback(id: &str, value: &str, good: &str, bad: &str) -> Value {
    let button =
        |label: &str, sign: char| json!({"text": plain_text(label, LABEL_MAX), "value": cut(&format!("{sign}{value}"), VALUE_MAX)});
    json!({"type": "context_actions", "elements": [{"type": "feedback_buttons", "action_id": filled(id, ID_MAX),
        "positive_button": button(good, '+'), "negative_button": button(bad, '-')}]})
}

/// The same for a workspace that does not know them.
pub fn feedback_as_buttons(id: &str, value: &str, good: &str, bad: &str) -> Option<Value> {
    let button = |label: &str, sign: char| Action::button(&format!("{id}{sign}"), label, format!("{sign}{value}"));
    actions(&[button(good, '+'), button(bad, '-')])
}

/// A field that must be filled in keeps its place even where there is nothing to choose.
fn offered(choices: &[Choice], most: usize) -> Vec<Value> {
    let shown = options(choices, most);
    if shown.is_empty() { vec![json!({"text": plain_text("nothing to choose", LABEL_MAX), "value": "-"})] } else { shown }
}

fn options(choices: &[Choice], most: usize) -> Vec<Value> {
    choices.iter().take(most).map(option).collect()
}

fn option(choice: &Choice) -> Value {
    json!({"text": plain_text(&choice.label, LABEL_MAX), "value": filled(&choice.value, CHOICE_VALUE_MAX)})
}

fn find(choices: &[Choice], chosen: Option<&str>, most: usize) -> Option<Value> {
    choices.iter().take(most).find(|choice| Some(choice.value.as_str()) == chosen).map(option)
}

fn set(object: &mut Value, key: &str, value: Option<Value>) {
    if let (Some(fields), Some(value)) = (object.as_object_mut(), value) {
        fields.insert(key.to_owned(), value);
    }
}
