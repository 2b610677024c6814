//! All worlds of a sandbox. A world springs into being on first use; resetting one is swapping it for a new one.

use std::sync::Arc;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use tokio::sync::mpsc::UnboundedSender;

use crate::domain::time::Timestamp;
use crate::engine::ports::SandboxConfig;
use crate::engine::world::World;

/// Worlds per sandbox.
pub const WORLDS_MAX: usize = 10_000;

/// The world of the bare root.
pub const DEFAULT_WORLD: &str = "default";

/// All worlds of a sandbox.
#[derive(Debug)]
pub struct Worlds {
    map: DashMap<Arc<str>, Arc<World>>,
    config: Arc<SandboxConfig>,
    /// Where new worlds are announced to whoever drives them.
    created: UnboundedSender<Arc<World>>,
}

/// There are as many worlds as there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are {WORLDS_MAX} worlds already; reset or delete some, or reuse one")]
pub struct TooManyWorlds;

impl Worlds {
    pub fn new(config: Arc<SandboxConfig>, created: UnboundedSender<Arc<World>>) -> Self {
        Self {
            map: DashMap::new(),
            config,
            created,
        }
    }

    pub fn config(&self) -> &Arc<SandboxConfig> {
        &self.config
    }

    /// The world of that name, made if there is none.
    ///
    /// # Errors
    /// [`TooManyWorlds`] when one more would exceed [`WORLDS_MAX`].
    pub fn get_or_create(&self, name: &str) -> Result<Arc<World>, TooManyWorlds> {
        if let Some(world) = self.find_world(name) {
            world.mark_used();
            return Ok(world);
        }
        if self.map.len() >= WORLDS_MAX {
            return Err(TooManyWorlds);
        }
        match self.map.entry(name.into()) {
            Entry::Occupied(existing) => Ok(Arc::clone(existing.get())),
            Entry::Vacant(slot) => Ok(Arc::clone(&slot.insert(self.create_world(name)))),
        }
    }

    /// The world of that name, if there is one.
    pub fn find_world(&self, name: &str) -> Option<Arc<World>> {
        self.map.get(name).map(|world| Arc::clone(&world))
    }

    /// Swaps the world for a new one of the same name; what the old one owed is never sent.
    pub fn reset_world(&self, name: &str) -> Arc<World> {
        let new_world = self.create_world(name);
        if let Some(old) = self.map.insert(name.into(), Arc::clone(&new_world)) {
            old.close();
        }
        new_world
    }

    /// Takes the world away; whether there was one. What it owed is never sent.
    pub fn delete_world(&self, name: &str) -> bool {
        let removed = self.map.remove(name);
        if let Some((_, world)) = &removed {
            world.close();
        }
        removed.is_some()
    }

    /// Takes away the worlds that nobody has used since this instant, by the wall's clock; gives their names. The default
    /// one stays.
    pub fn remove_idle(&self, since: Timestamp) -> Vec<Arc<str>> {
        let is_idle = |world: &World| world.last_used_at() < since && world.name() != DEFAULT_WORLD;
        let names: Vec<Arc<str>> = self
            .map
            .iter()
            .filter(|world| is_idle(world))
            .map(|world| Arc::clone(world.key()))
            .collect();
        names
            .into_iter()
            .filter(|name| {
                self.map
                    .remove_if(name, |_, world| is_idle(world))
                    .is_some_and(|(_, world)| {
                        world.close();
                        true
                    })
            })
            .collect()
    }

    /// How many there are.
    pub fn world_count(&self) -> usize {
        self.map.len()
    }

    pub fn list_worlds(&self) -> Vec<Arc<World>> {
        self.map.iter().map(|world| Arc::clone(&world)).collect()
    }

    fn create_world(&self, name: &str) -> Arc<World> {
        let world = Arc::new(World::new(name, Arc::clone(&self.config)));
        // Nobody listening means that the sandbox is stopping: the world answers, and sends nothing.
        let _ = self.created.send(Arc::clone(&world));
        world
    }
}
