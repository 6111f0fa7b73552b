//! What the team says about its services: who owns them, their runbooks and dashboards. `config/services.yaml`.

use serde::Deserialize;

use super::card::is_web;
use crate::model::{Link, glob, observation::Edge};

/// The file that comes with the program: nobody's services.
const EMBEDDED: &str = include_str!("../../config/services.yaml");

/// Why a services file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("services: {0}")]
pub struct ServicesError(String);

/// One service.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// As alerts name it; `*` stands for any letters.
    pub name: String,
    /// Who owns it, as people say it.
    #[serde(default)]
    pub team: String,
    /// The services, databases and queues that it calls; an investigation follows them from a caller to what it needs.
    #[serde(default)]
    pub needs: Vec<String>,
    /// Addresses that are tried when the service is alerted: https://…, tcp://host:port, tls://host:port, dns://name.
    #[serde(default)]
    pub probes: Vec<String>,
    #[serde(default)]
    pub runbooks: Vec<Link>,
    #[serde(default)]
    pub dashboards: Vec<Link>,
}

/// All of them, in the file's order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Services {
    #[serde(default)]
    services: Vec<Service>,
}

impl Services {
    /// The embedded file, which names nothing.
    pub fn embedded() -> Self {
        Self::from_yaml(EMBEDDED).unwrap_or_default()
    }

    /// Reads a file of one's own.
    ///
    /// # Errors
    /// What is wrong, with the service that it is about.
    pub fn from_yaml(text: &str) -> Result<Self, ServicesError> {
        let read: Self =
            serde_saphyr::from_str(text).map_err(|error| ServicesError(error.to_string().lines().next().unwrap_or_default().to_owned()))?;
        for service in &read.services {
            if service.name.trim().is_empty() {
                return Err(ServicesError("a service without a `name`".to_owned()));
            }
            for link in service.runbooks.iter().chain(&service.dashboards) {
                if link.title.trim().is_empty() || !is_web(&link.url) {
                    return Err(ServicesError(format!("`{}`: a link wants a `title` and an http(s) `url`", service.name)));
                }
            }
        }
        Ok(read)
    }

    /// What each service wants probed.
    pub fn probes(&self) -> Vec<(String, Vec<String>)> {
        self.services
            .iter()
            .filter(|service| !service.probes.is_empty())
            .map(|service| (service.name.clone(), service.probes.clone()))
            .collect()
    }

    /// Who calls whom, as the file says; names with a star stand for no one service and are left out.
    pub fn edges(&self) -> Vec<Edge> {
        let named = self.services.iter().filter(|service| !service.name.contains('*'));
        named.flat_map(|service| service.needs.iter().map(|needed| Edge { caller: service.name.clone(), callee: needed.clone() })).collect()
    }

    /// The first entry whose name fits.
    pub fn of(&self, service: &str) -> Option<&Service> {
        self.services.iter().find(|known| glob::fits_any_case(&known.name, service))
    }
}

#[cfg(test)]
mod tests {
    use crate::model::glob::fits_any_case as fits;

    use super::Services;

    #[test]
    fn names_fit_with_and_without_stars() {
        for (pattern, name, expected) in [
            ("checkout", "Checkout", true),
            ("checkout", "checkout-2", false),
            ("checkout-*", "checkout-2", true),
            ("*-db", "orders-db", true),
            ("*-db", "orders-dba", false),
            ("a*b*c", "axxbyyc", true),
            ("ab*ba", "aba", false),
            ("*", "", true),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn a_file_is_read_and_its_mistakes_are_named() {
        assert_eq!(Services::embedded(), Services::default());
        let good =
            "services:\n  - name: checkout\n    team: payments\n    runbooks: [{title: Roll back, url: 'https://wiki.example.com/x'}]\n";
        assert_eq!(Services::from_yaml(good).unwrap().of("checkout").unwrap().team, "payments");
        let needs = "services: [{name: web, needs: [cart, rates-db]}, {name: 'job-*', needs: [cart]}]";
        let edges: Vec<(String, String)> =
            Services::from_yaml(needs).unwrap().edges().into_iter().map(|edge| (edge.caller, edge.callee)).collect();
        assert_eq!(edges, [("web".to_owned(), "cart".to_owned()), ("web".to_owned(), "rates-db".to_owned())]);
        for (bad, said) in [
            ("services: [{name: ''}]", "without a `name`"),
            ("services: [{name: a, runbooks: [{title: x, url: 'javascript:1'}]}]", "`a`: a link wants"),
            ("services: [{nam: a}]", "nam"),
        ] {
            let error = Services::from_yaml(bad).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
