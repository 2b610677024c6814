//! All worlds of a sandbox. A world is created on first use; a reset replaces it by a new one.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use tokio::sync::mpsc::UnboundedSender;

use crate::domain::time::Timestamp;
use crate::domain::world_part::WorldPart;
use crate::engine::clock::{Clock, TimeRules, system_now};
use crate::engine::sandbox_config::SandboxConfig;
use crate::engine::world::{DEFAULT_WORLD, World};

/// Maximum number of worlds per sandbox.
pub(crate) const WORLDS_MAX: usize = 10_000;

/// Number of deleted worlds whose lives are remembered.
const DELETED_LIVES_MAX: usize = 1_000;

/// All worlds of a sandbox.
#[derive(Debug)]
pub(crate) struct Worlds {
    map: DashMap<Arc<str>, Arc<World>>,
    config: Arc<SandboxConfig>,
    /// The lives of the worlds that were deleted last.
    deleted_lives: Mutex<VecDeque<u64>>,
    /// The channel that announces new worlds to the task that drives them.
    created: UnboundedSender<Arc<World>>,
}

/// The rejection of a world beyond [`WORLDS_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the sandbox already has {WORLDS_MAX} worlds with consents; delete some, or reuse one")]
pub(crate) struct TooManyWorlds;

impl Worlds {
    pub(crate) fn new(config: Arc<SandboxConfig>, created: UnboundedSender<Arc<World>>) -> Self {
        Self {
            map: DashMap::new(),
            config,
            deleted_lives: Mutex::default(),
            created,
        }
    }

    pub(crate) fn config(&self) -> &Arc<SandboxConfig> {
        &self.config
    }

    /// Returns the instant that a message of a world carries before the world exists.
    pub(crate) fn initial_message_time(&self) -> Timestamp {
        let system_time = system_now();
        let rules = TimeRules {
            security: self.config.security,
            settings: self.config.time_settings,
        };
        rules.message_time(Clock::from_start(self.config.clock, system_time).read(system_time))
    }

    /// Returns the world of that name and creates it if there is none. If the table is full, the
    /// world without consents that is unused for longest goes first.
    ///
    /// # Errors
    /// [`TooManyWorlds`] when [`WORLDS_MAX`] worlds have consents.
    pub(crate) fn get_or_create(&self, name: &str) -> Result<Arc<World>, TooManyWorlds> {
        if let Some(world) = self.find_world(name) {
            world.mark_used();
            return Ok(world);
        }
        while self.map.len() >= WORLDS_MAX {
            let empty = self.find_oldest_empty().ok_or(TooManyWorlds)?;
            if self.delete_world(&empty) {
                tracing::warn!(
                    world = &*empty,
                    "the table of worlds is full; this one, without consents, is deleted"
                );
            }
        }
        match self.map.entry(name.into()) {
            Entry::Occupied(existing) => Ok(Arc::clone(existing.get())),
            Entry::Vacant(slot) => Ok(Arc::clone(&slot.insert(self.create_world(name)))),
        }
    }

    /// Returns the name of the world without consents that is unused for longest.
    fn find_oldest_empty(&self) -> Option<Arc<str>> {
        let worlds = self.map.iter();
        let empty = worlds.filter(|world| world.name() != DEFAULT_WORLD && world.is_empty());
        let oldest = empty.min_by_key(|world| world.last_used_at());
        oldest.map(|world| Arc::clone(world.key()))
    }

    /// Returns the world of that name, if there is one.
    pub(crate) fn find_world(&self, name: &str) -> Option<Arc<World>> {
        self.map.get(name).map(|world| Arc::clone(&world))
    }

    /// Replaces the world by a new one of the same name, with these parts of the old one;
    /// undelivered webhooks of the old one are never sent.
    pub(crate) fn reset_world(&self, name: &str, kept: &[WorldPart]) -> Arc<World> {
        let new_world = self.create_world(name);
        if let Some(old) = self.find_world(name) {
            new_world.take_over(&old, kept);
        }
        if let Some(old) = self.map.insert(name.into(), Arc::clone(&new_world)) {
            old.close();
        }
        new_world
    }

    /// Deletes the world; returns `true` if there was one. Its undelivered webhooks are never sent.
    pub(crate) fn delete_world(&self, name: &str) -> bool {
        let removed = self.map.remove(name);
        if let Some((_, world)) = &removed {
            world.close();
            let mut lives = self.lock_deleted_lives();
            lives.push_back(world.life());
            if lives.len() > DELETED_LIVES_MAX {
                lives.pop_front();
            }
        }
        removed.is_some()
    }

    /// Returns whether a world of this life was deleted, as far as is remembered.
    pub(crate) fn was_deleted(&self, life: u64) -> bool {
        self.lock_deleted_lives().contains(&life)
    }

    fn lock_deleted_lives(&self) -> MutexGuard<'_, VecDeque<u64>> {
        // A life is added in one step, so a panic of another thread leaves the list intact.
        self.deleted_lives
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Deletes the worlds without a call since this instant of system time and returns their names.
    /// The default world stays.
    pub(crate) fn remove_idle(&self, since: Timestamp) -> Vec<Arc<str>> {
        let names: Vec<Arc<str>> = self
            .map
            .iter()
            .filter(|world| is_idle(world, since))
            .map(|world| Arc::clone(world.key()))
            .collect();
        names
            .into_iter()
            .filter(|name| {
                self.map
                    .remove_if(name, |_, world| is_idle(world, since))
                    .is_some_and(|(_, world)| {
                        world.close();
                        true
                    })
            })
            .collect()
    }

    /// Returns the number of worlds.
    pub(crate) fn world_count(&self) -> usize {
        self.map.len()
    }

    pub(crate) fn list_worlds(&self) -> Vec<Arc<World>> {
        self.map.iter().map(|world| Arc::clone(&world)).collect()
    }

    fn create_world(&self, name: &str) -> Arc<World> {
        let world = Arc::new(World::new(name, Arc::clone(&self.config)));
        // A closed channel means that the sandbox shuts down: the world answers and sends nothing.
        let _ = self.created.send(Arc::clone(&world));
        world
    }
}

fn is_idle(world: &World, since: Timestamp) -> bool {
    world.last_used_at() < since && world.name() != DEFAULT_WORLD
}
