//! The restore of the roles and tablespaces of a server.

use std::rc::Rc;

use holdfast_connect::postgres::{
    GlobalsReport, PostgresError, PostgresServer, globals, restore_globals,
};

use super::DatabaseMove;
use super::step::Peers;
use crate::kind::Class;
use crate::kind::step::{
    Effect, Planning, RestoreError, RestorePart, RestoreStep, StepOutcome, StepRole, StepScene,
    StepWork,
};

/// Roles and tablespaces of a snapshot, and their server.
pub struct RolesMove {
    /// The source.
    pub source: String,
    /// The server.
    pub server: PostgresServer,
    /// What creates them.
    pub script: Vec<u8>,
}

/// Their restore.
pub(super) struct RolesStep<'a> {
    pub roles: RolesMove,
    /// The databases of the same source.
    pub databases: Vec<Rc<DatabaseMove<'a>>>,
    pub peers: Rc<Peers<'a>>,
}

impl RolesStep<'_> {
    fn failed(&self, error: PostgresError) -> RestoreError {
        RestoreError::Postgres { source_name: self.roles.source.clone(), error }
    }
}

impl RestoreStep for RolesStep<'_> {
    fn name(&self) -> String {
        format!("roles of {}", self.roles.source)
    }

    fn role(&self) -> StepRole {
        StepRole::Data
    }

    fn source(&self) -> Option<&str> {
        Some(&self.roles.source)
    }

    fn plan(&self, planning: &mut Planning<'_>) -> Result<(), RestoreError> {
        let RolesMove { server, script, .. } = &self.roles;
        let report = globals(server, script, !planning.request().no_tablespaces);
        let report = report.map_err(|error| self.failed(error))?;
        let is_missing =
            !(report.missing_roles.is_empty() && report.missing_tablespaces.is_empty());
        let effect = if is_missing { Effect::Make } else { Effect::Keep };
        planning.push(self.name(), effect, sentence(&report));
        self.peers.will_create(&report.missing_roles);
        warnings(&report).for_each(|warning| planning.warn(warning));
        Ok(())
    }

    /// What interrupted restores have left of the databases is cleaned up first: until then the
    /// server may refuse connections.
    fn act(&self, work: &mut StepWork<'_>) -> Result<StepOutcome, RestoreError> {
        for database in &self.databases {
            work.warn(database.tidy()?);
        }
        let RolesMove { server, script, .. } = &self.roles;
        let report = restore_globals(server, script, !work.request().no_tablespaces);
        let report = report.map_err(|error| self.failed(error))?;
        work.warn(report.warnings.iter().cloned());
        Ok(StepOutcome::new(sentence(&report)))
    }
}

/// The script of a source's roles and tablespaces: in the tree of the data, or in that of the keys.
pub fn globals_script(
    part: &RestorePart<'_>,
    scene: &StepScene<'_>,
) -> Result<Option<Vec<u8>>, RestoreError> {
    for origin in [Class::Data, Class::Keys].into_iter().filter_map(|class| scene.origin(class)) {
        let sources = &origin.snapshot.snapshot.sources;
        let is_there = sources.iter().any(|it| it.name == part.name());
        if is_there && let Some(script) = origin.tree(part.name())?.whole(b"globals.sql")? {
            return Ok(Some(script));
        }
    }
    Ok(None)
}

/// What happens to roles, in one sentence.
fn sentence(report: &GlobalsReport) -> String {
    let missing = [&report.missing_roles[..], &report.missing_tablespaces[..]].concat();
    let there = [&report.existing_roles[..], &report.existing_tablespaces[..]].concat();
    let made = match missing.as_slice() {
        [] => "nothing to create".to_owned(),
        missing => format!("creates {}", missing.join(", ")),
    };
    match there.as_slice() {
        [] => made,
        there => {
            format!("{made}; keeps existing ones, memberships included: {}", there.join(", "))
        }
    }
}

/// Memberships that existing roles had and do not get back, one sentence each.
fn warnings(report: &GlobalsReport) -> impl Iterator<Item = String> {
    let of_pair = |(role, member): &(String, String)| {
        format!(
            "role {member:?} was a member of {role:?} in this snapshot but is not now; \
             memberships of existing roles are not restored (to restore it: GRANT \"{role}\" TO \
             \"{member}\")"
        )
    };
    report.other_memberships.iter().map(of_pair)
}
