//! Who is called, by which ways.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use crate::{config, model::Clock, notify, pipeline};

/// Makes them of the settings.
///
/// # Errors
/// When a way cannot be made of its settings.
pub fn build(settings: config::Calling, clock: &Clock) -> anyhow::Result<pipeline::Calling> {
    let mut ways: BTreeMap<String, Arc<dyn notify::Notifier>> = BTreeMap::new();
    if let Some(mail) = settings.email {
        ways.insert("email".to_owned(), Arc::new(notify::Email::new(mail, clock.clone())?));
    }
    for hook in settings.webhooks {
        let way = format!("webhook:{}", hook.name);
        let hook =
            notify::Webhook::new(hook, settings.allowed.clone(), settings.proxy.as_ref(), clock.clone()).map_err(anyhow::Error::msg)?;
        ways.insert(way, Arc::new(hook));
    }
    let mut services = BTreeMap::new();
    for (config, schedules) in settings.services {
        let service = Arc::new(notify::OnCall::new(config, settings.proxy.as_ref(), clock.clone()).map_err(anyhow::Error::msg)?);
        services.extend(schedules.into_iter().map(|(name, id)| (name, (Arc::clone(&service), id))));
    }
    Ok(pipeline::Calling {
        chains: settings.chains,
        rota: Arc::new(notify::Rota::new(settings.schedules, services)),
        ways,
        administrators: settings.administrators,
        admin_channel: settings.admin_channel,
        failures: Mutex::default(),
    })
}
