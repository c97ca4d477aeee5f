//! What the ledger must hold, by the model alone.

use std::collections::{BTreeMap, BTreeSet};

use mobile_schema::household::Value;
use shared::id::ChangeHash;
use shared::ledger::{Kind, ledger};
use shared::standing::{Logged, Way, stand};

use super::super::convergence::place;
use super::super::device::basis;
use super::{Counted, House, Set, of};

impl House {
    /// Compares the ledger with the model: every value that was written is read, was written over by
    /// somebody who had seen it alone, or is in the ledger; and nothing else is.
    pub(super) fn check_ledger(&self, counted: &mut Counted) -> Result<(), String> {
        let log: Vec<Logged> = self
            .made
            .iter()
            .map(|made| Logged {
                hash: made.hash,
                chunk: made.chunk.clone(),
                by: if made.office { Way::Desk } else { Way::Device },
            })
            .collect();
        let standing = stand(&place(), &log, &[], &basis());
        let mut told: BTreeSet<Line> = BTreeSet::new();
        for entry in ledger(&log, &[], &standing) {
            let sides = entry.values.into_iter().map(|side| (side.value, side.changes)).collect();
            told.insert((entry.path.to_string(), entry.kind, sides, entry.by));
        }
        let mut due: BTreeSet<Line> = BTreeSet::new();
        let all: Set = (0..self.made.len()).map(of).sum();
        for (number, made) in self.made.iter().enumerate() {
            for (path, _) in &made.wrote {
                let over = self.sides(self.current(path, made.seen));
                // An office that decides about a removal decides between it and the edits as well.
                let edits = self.unseen_edits(path, made.seen);
                if made.office && !edits.is_empty() {
                    let sides = [vec![self.untouched(&edits)], over.clone()].concat();
                    let by = Some(made.hash);
                    due.insert((path.to_string(), Kind::Settled, sides, by));
                }
                if over.len() > 1 {
                    let kind = if made.office { Kind::Settled } else { Kind::Overwritten };
                    counted.overwritten += usize::from(!made.office);
                    due.insert((path.to_string(), kind, over, Some(self.made[number].hash)));
                }
                let mut open = self.sides(self.current(path, all));
                let edits = self.unseen_edits(path, all);
                if !edits.is_empty() {
                    open.insert(0, self.untouched(&edits));
                }
                if open.len() > 1 {
                    let kind = if edits.is_empty() { Kind::Competing } else { Kind::Removed };
                    due.insert((path.to_string(), kind, open, None));
                }
            }
        }
        if told == due {
            return Ok(());
        }
        let (more, less): (Vec<_>, Vec<_>) =
            (told.difference(&due).collect(), due.difference(&told).collect());
        Err(format!("unexplained in the ledger: {more:#?}\nnot in it: {less:#?}"))
    }

    /// Edits as the side on which the member was not removed.
    fn untouched(&self, edits: &BTreeSet<usize>) -> (Option<Value>, Vec<ChangeHash>) {
        let hashes: BTreeSet<ChangeHash> = edits.iter().map(|edit| self.made[*edit].hash).collect();
        (None, hashes.into_iter().collect())
    }

    fn sides(&self, current: Vec<(usize, &Value)>) -> Vec<(Option<Value>, Vec<ChangeHash>)> {
        let mut sides: BTreeMap<Option<Value>, BTreeSet<ChangeHash>> = BTreeMap::new();
        for (number, value) in current {
            sides.entry(Some(value.clone())).or_default().insert(self.made[number].hash);
        }
        sides.into_iter().map(|(value, hashes)| (value, hashes.into_iter().collect())).collect()
    }
}

/// One entry of a ledger: path, kind, values with their changes, and who wrote over them.
type Line = (String, Kind, Vec<(Option<Value>, Vec<ChangeHash>)>, Option<ChangeHash>);
