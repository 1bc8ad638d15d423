//! Keeps the links to a service in step with what its names resolve to.
//! In come names; out go links, one for each address where a name has several.
//! It ends by itself when nobody holds the instances any more, and a look that fails changes nothing.

use super::dial::Dialer;
use super::instances::Instances;
use crate::configuration::Address;
use futures_util::future::join_all;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::time::sleep;

/// Between two looks, 5 s: an instance that was added is soon of use, and a lookup costs a packet.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Follows the names of these instances, if there are any.
pub(super) fn follow(instances: &Arc<Instances>, dialer: &Dialer) {
    if !instances.names().is_empty() {
        tokio::spawn(look_again_and_again(Arc::downgrade(instances), dialer.clone(), look_up));
    }
}

/// What the system says; its own patience bounds it, and until then nothing else is looked up for this name.
async fn look_up(address: Address) -> io::Result<Vec<SocketAddr>> {
    let found = tokio::net::lookup_host((address.dial_host(), address.port)).await?;
    Ok(found.collect())
}

async fn look_again_and_again<F>(instances: Weak<Instances>, dialer: Dialer, look_up: impl Fn(Address) -> F)
where
    F: Future<Output = io::Result<Vec<SocketAddr>>>,
{
    while let Some(names) = instances.upgrade().map(|instances| instances.names()) {
        let looks = names.into_iter().map(|name| async {
            let found = look_up(name.clone()).await;
            (name, found)
        });
        let found = join_all(looks).await.into_iter().map(|(name, found)| {
            let found = found.unwrap_or_else(|error| {
                tracing::debug!("{name} cannot be resolved, so what is known of it is kept: {error}");
                Vec::new()
            });
            (name, found)
        });
        let found: Vec<(Address, Vec<SocketAddr>)> = found.collect();
        let Some(instances) = instances.upgrade() else { return };
        instances.take_up(&dialer, &found).await;
        drop(instances);
        sleep(LOOK_EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Access, LinkKey, TokenKey};
    use crate::configuration::{ClaimsForm, Configuration, IfSecretMissing, Secret};
    use crate::names::ServiceName;
    use crate::tls::Tls;
    use std::collections::BTreeMap;
    use std::sync::Mutex;
    use tokio::time::Instant;

    fn dialer() -> Dialer {
        let secret = Secret::new("s".to_owned());
        let access = Access::new(TokenKey::new(&secret, ClaimsForm::default()).unwrap(), "orchestrator", 300);
        Dialer {
            from: "orchestrator".to_owned(),
            key: Arc::new(LinkKey::new(&secret).unwrap()),
            access: Arc::new(access),
            audience: Arc::default(),
            counters: Arc::default(),
            tls: Arc::new(no_tls()),
            answer_limit: 1000,
            on_welcome: Arc::new(|_, _| {}),
        }
    }

    /// That of a host whose configuration names no certificate.
    fn no_tls() -> Tls {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("configuration")).unwrap();
        std::fs::write(folder.path().join("configuration/config.json"), "{}").unwrap();
        std::fs::write(folder.path().join("configuration/routes.json"), "[]").unwrap();
        let configuration = Configuration::load(folder.path(), None, IfSecretMissing::LeaveOut).unwrap();
        Tls::load(&configuration, &BTreeMap::new()).unwrap()
    }

    /// The instances of `far`, and what its name resolves to; none: it cannot be resolved.
    struct Rig {
        instances: Arc<Instances>,
        found: Arc<Mutex<Option<Vec<&'static str>>>>,
    }

    impl Rig {
        fn new(hosts: &[&str]) -> Self {
            let addresses = hosts.iter().map(|host| Address::new(host, Some(1)).unwrap()).collect();
            let instances = Arc::new(Instances::open(&dialer(), ServiceName::new("far").unwrap(), addresses, None));
            let found: Arc<Mutex<Option<Vec<&'static str>>>> = Arc::default();
            let answers = Arc::clone(&found);
            let look_up = move |_| {
                let found = answers.lock().unwrap().clone();
                async move {
                    let found = found.ok_or_else(|| io::Error::other("no such name"))?;
                    Ok(found.into_iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), 1)).collect())
                }
            };
            tokio::spawn(look_again_and_again(Arc::downgrade(&instances), dialer(), look_up));
            Self { instances, found }
        }

        fn urls(&self) -> Vec<String> {
            self.instances.all().iter().map(|one| one.link().target().url()).collect()
        }

        /// From now on the name resolves so; returns the URLs after enough time for two looks.
        async fn resolves(&self, found: Option<&[&'static str]>) -> Vec<String> {
            *self.found.lock().unwrap() = found.map(<[&str]>::to_vec);
            let until = Instant::now() + 3 * LOOK_EVERY;
            while Instant::now() < until {
                sleep(Duration::from_millis(100)).await;
            }
            self.urls()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn links_follow_the_addresses_of_a_name() {
        let rig = Rig::new(&["localhost", "127.0.0.9"]);
        assert_eq!(rig.urls(), ["http://localhost:1", "http://127.0.0.9:1"]);
        assert_eq!(rig.resolves(None).await, ["http://localhost:1", "http://127.0.0.9:1"]);
        assert_eq!(rig.resolves(Some(&["127.0.0.1", "::1"])).await, ["http://localhost:1", "http://127.0.0.9:1"]);
        let three = ["http://127.0.0.1:1", "http://127.0.0.2:1", "http://127.0.0.9:1"];
        assert_eq!(rig.resolves(Some(&["127.0.0.2", "127.0.0.1"])).await, three);
        let before = rig.instances.all();
        assert_eq!(rig.resolves(None).await, three, "what is known is kept when it cannot be resolved");
        let two = rig.resolves(Some(&["127.0.0.2", "127.0.0.3"])).await;
        assert_eq!(two, ["http://127.0.0.2:1", "http://127.0.0.3:1", "http://127.0.0.9:1"]);
        let after = rig.instances.all();
        assert!(Arc::ptr_eq(&before[1], &after[0]) && Arc::ptr_eq(&before[2], &after[2]), "links that stay are kept");
        let one = ["http://127.0.0.3:1", "http://127.0.0.9:1"];
        assert_eq!(rig.resolves(Some(&["127.0.0.3", "::1"])).await, one);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_followed_for_whom_nobody_asks_any_more() {
        let rig = Rig::new(&["localhost"]);
        let found = Arc::downgrade(&rig.found);
        rig.resolves(Some(&["127.0.0.1"])).await;
        drop(rig);
        sleep(3 * LOOK_EVERY).await;
        assert!(found.upgrade().is_none(), "it still looks");
    }
}
