//! The home tab and the links to incidents.

use crate::{
    commands::world,
    world::{ALICE, sentence, shown},
};

#[tokio::test]
async fn the_home_tab_shows_what_is_open_and_follows_what_its_owner_does() {
    let world = world().await;
    let ts = world.post(sentence("firing")).await;
    world.report(&ts).await;
    assert_eq!(world.slack.open_home(ALICE).await.unwrap().status, Some(200));
    let home = world.until("the home tab", |slack| slack.home(ALICE).filter(|home| shown(home).contains("INC-1"))).await;
    let text = shown(&home);
    for part in
        ["My incidents", "None is yours.", "Open", "no owner", "On call", "Alice Moreno, Bob Tanaka", "Store: takes writes", "last alert"]
    {
        assert!(text.contains(part), "`{part}` is missing in {text}");
    }
    assert_eq!(world.slack.click_home(ALICE, "ack").await.unwrap().status, Some(200));
    world
        .until("it is hers", |slack| {
            slack.home(ALICE).filter(|home| shown(home).contains("acknowledged") && !shown(home).contains("None is yours"))
        })
        .await;
    world.slack.click_home(ALICE, "details").await.unwrap();
    world.until("the details", |slack| slack.open_views(ALICE).into_iter().find(|view| shown(view).contains("OOMKilled"))).await;
    world.slack.click_home(ALICE, "resolve").await.unwrap();
    world.until("nothing is left", |slack| slack.home(ALICE).filter(|home| shown(home).contains("Nothing is open."))).await;
}

#[tokio::test]
async fn a_link_to_an_incident_shows_it_and_an_unknown_one_shows_nothing() {
    let world = world().await;
    let ts = world.post(sentence("firing")).await;
    world.report(&ts).await;
    let (known, unknown) = ("https://sre.example.com/incidents/INC-1", "https://sre.example.com/incidents/INC-77");
    let text = format!("look at <{known}> and <{unknown}> and <https://elsewhere.example/incidents/INC-1>");
    let message = world.slack.post_as_user(&world.channel, ALICE, &text, None).await.unwrap();
    let links = [known, unknown, "https://elsewhere.example/incidents/INC-1"];
    assert_eq!(world.slack.share_links(ALICE, &world.channel, &message, &links).await.status, Some(200));
    let shown_below = world
        .until("the link", |slack| {
            let messages = slack.messages(&world.channel);
            messages.into_iter().find(|found| found["ts"] == message.as_str())?.get("attachments")?.as_array().cloned()
        })
        .await;
    assert_eq!(shown_below.len(), 1);
    assert_eq!(shown_below[0]["from_url"], known);
    let text = shown(&shown_below[0]);
    assert!(text.contains("INC-1") && text.contains("Cause") && text.contains("no owner"), "{text}");
}
