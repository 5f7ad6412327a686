//! `case`: what a clerk sees of a case and does to it. The rules are the desk's (`flow/desk.rs`); here they are called.

mod acts;
mod list;
mod object;
mod show;

use std::path::PathBuf;

use clap::Subcommand;

use crate::cli::{Failure, open};
use crate::daemon::House;
use crate::registry::Number;

pub(super) use list::{AgendaOptions, agenda};

#[derive(clap::Args)]
pub(super) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show everything about a case: where it stands, files, letters, what is planned, what happened.
    Show(show::Options),
    /// List the open cases by their term.
    List(list::Options),
    /// Ask the citizen for something; a reply joins the case, and without one a reminder goes out.
    Clarify(acts::Clarify),
    /// Record the decision with its document.
    Decide(acts::Decide),
    /// Invite the citizen to pick the document up, within ten working days of the decision.
    Pickup(acts::Pickup),
    /// Record that the document has been handed over; the case is closed.
    Handover(acts::HandOver),
    /// Close a case that has nothing to decide: a test, thanks, a withdrawal, somebody else's competence.
    Close(acts::Close),
}

/// Does what the subcommand says.
pub(super) fn main(config: Option<PathBuf>, options: Options) -> Result<(), Failure> {
    let house = open::house(config)?;
    match options.command {
        Command::Show(options) => show::main(&house, &options),
        Command::List(options) => list::main(&house, &options),
        Command::Clarify(options) => acts::clarify(&house, options),
        Command::Decide(options) => acts::decide(&house, options),
        Command::Pickup(options) => acts::pickup(&house, options),
        Command::Handover(options) => acts::hand_over(&house, options),
        Command::Close(options) => acts::close(&house, options),
    }
}

/// Reads a number as it stands on the receipt.
fn parsed(text: &str, house: &House) -> Result<Number, Failure> {
    Number::parse(text, house.settings.only_register()).map_err(|error| Failure::Said(error.to_string()))
}
