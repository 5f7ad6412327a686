//! The parts of the house, made from the settings, and the lock that only one process holds.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rustix::fs::{FlockOperation, flock};

use crate::config::{self, Carrier, Settings, Source, SourceKind};
use crate::daemon::clerks::{bureau, consent_form, mailing};
use crate::daemon::pulse::Pulse;
use crate::edge::archive::FolderArchive;
use crate::edge::clock::Clock;
use crate::edge::folder::{FolderMailbox, FolderTransport};
use crate::edge::imap::ImapMailbox;
use crate::edge::signing::pkcs12::{Pkcs12Error, Pkcs12Signer};
use crate::edge::smtp::SmtpTransport;
use crate::edge::sqlite::SqliteStore;
use crate::flow::issue::Letterhead;
use crate::flow::report::{Bureau, Mailing};
use crate::flow::{self, OfficeTimes, admit, deliver};
use crate::mailbox::{Mailbox, SourceId};
use crate::outbox::Transport;
use crate::receipt::content::{Marking, Office};
use crate::receipt::signature::Signer;
use crate::registry::{Desk, Policy};
use crate::screening;
use crate::store::{ArchiveError, StoreError};

/// Why the process cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("making the storage folder {path}; check its owner and the disk")]
    Folder {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("another recipisa works on {path} (run or once); wait for it or stop it")]
    Busy { path: PathBuf },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error("reading the key file {path}; check `pkcs12` under [signing]")]
    KeyFile {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error(
        "a restore into {path} was broken off; run the same `recipisa restore` again, or empty the folder to begin a \
         new registry"
    )]
    HalfRestored { path: PathBuf },
    #[error("the key in {path} cannot be used")]
    Key {
        path: PathBuf,
        #[source]
        source: Pkcs12Error,
    },
    #[error(
        "the database in {path} was made by an older recipisa, which works on it; restart the service first: sudo \
         systemctl restart recipisa"
    )]
    Outdated { path: PathBuf },
    #[error("reading the blank form {path}; check `form` under [consent]")]
    Form {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the blank form {path} is no PDF; check `form` under [consent]")]
    FormKind { path: PathBuf },
    #[error("the machine gives no threads or file descriptors")]
    Machine(#[source] std::io::Error),
}

/// Everything that a step may need, opened.
pub struct House {
    pub settings: Settings,
    pub store: SqliteStore,
    pub archive: FolderArchive,
    pub clock: Clock,
    pub desks: BTreeMap<String, Desk>,
    pub policy: Policy,
    pub times: OfficeTimes,
    pub bureau: Bureau,
    /// `None`: no digest is mailed.
    pub mailing: Option<Mailing>,
    /// What the threads of this process report about themselves.
    pub pulse: Pulse,
}

/// The right to work on the registry; given back when it is dropped.
pub struct Lock {
    _file: File,
}

impl Lock {
    /// The lock of the registry in a storage folder that is there.
    pub(super) fn of_registry(storage_dir: &Path) -> Result<Self, StartError> {
        Self::of_folder(storage_dir, FlockOperation::NonBlockingLockExclusive)
    }

    /// The same lock, shared by those who only ask whether somebody works.
    fn shared_of_registry(storage_dir: &Path) -> Result<Self, StartError> {
        Self::of_folder(storage_dir, FlockOperation::NonBlockingLockShared)
    }

    fn of_folder(storage_dir: &Path, operation: FlockOperation) -> Result<Self, StartError> {
        let path = storage_dir.join("recipisa.lock");
        match Self::take_as(&path, operation) {
            Ok(Some(lock)) => Ok(lock),
            Ok(None) => Err(StartError::Busy {
                path: storage_dir.to_owned(),
            }),
            Err(source) => Err(StartError::Folder { path, source }),
        }
    }

    /// The lock of a file, made where there is none; `None` while another process has it.
    pub(super) fn take(path: &Path) -> std::io::Result<Option<Self>> {
        Self::take_as(path, FlockOperation::NonBlockingLockExclusive)
    }

    fn take_as(path: &Path, operation: FlockOperation) -> std::io::Result<Option<Self>> {
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)?;
        match flock(&file, operation) {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Where the database of a storage folder is.
pub(super) fn database_path(storage_dir: &Path) -> PathBuf {
    storage_dir.join("recipisa.db")
}

/// The file that stands in a storage folder while a backup is restored into it.
pub(super) fn restoring_mark(storage_dir: &Path) -> PathBuf {
    storage_dir.join("recipisa.restoring")
}

/// Opens the database. An older one is brought forward only while nobody works on it: a daemon of the older version
/// would no longer find its tables.
fn open_store(dir: &Path) -> Result<SqliteStore, StartError> {
    let path = database_path(dir);
    let _lock = if SqliteStore::is_outdated(&path)? {
        let lock = Lock::of_registry(dir);
        if let Err(StartError::Busy { path }) = lock {
            return Err(StartError::Outdated { path });
        }
        Some(lock?)
    } else {
        None
    };
    Ok(SqliteStore::open(&path)?)
}

impl House {
    /// Whether the storage folder holds a registry already, be it one that is just brought back.
    pub fn is_there(settings: &Settings) -> bool {
        let dir = &settings.storage_dir;
        database_path(dir).exists() || restoring_mark(dir).exists()
    }

    /// Opens storage; nothing is connected.
    ///
    /// # Errors
    /// The storage folder, the database or the archive cannot be used, or a restore was broken off there.
    pub fn open(settings: Settings, clock: Clock) -> Result<Self, StartError> {
        let dir = settings.storage_dir.clone();
        fs::create_dir_all(&dir).map_err(|source| StartError::Folder {
            path: dir.clone(),
            source,
        })?;
        // An empty registry made here would give all numbers again.
        if restoring_mark(&dir).exists() {
            return Err(StartError::HalfRestored { path: dir });
        }
        let store = open_store(&dir)?;
        let archive = FolderArchive::open(&dir.join("archive"))?;
        go_by(&clock, &settings);
        let (desks, policy, times) = (desks(&settings), policy(&settings), office_times(&settings));
        Ok(Self {
            bureau: bureau(&settings, &times),
            mailing: mailing(&settings),
            times,
            settings,
            store,
            archive,
            clock,
            desks,
            policy,
            pulse: Pulse::default(),
        })
    }

    /// Goes over to other settings of the same storage folder; returns the old ones.
    pub(super) fn adopt(&mut self, settings: Settings) -> Settings {
        go_by(&self.clock, &settings);
        self.desks = desks(&settings);
        self.policy = policy(&settings);
        self.times = office_times(&settings);
        self.bureau = bureau(&settings, &self.times);
        self.mailing = mailing(&settings);
        std::mem::replace(&mut self.settings, settings)
    }

    /// What the steps work with.
    pub(super) fn for_steps<'a>(
        &'a self,
        now: &'a (dyn Fn() -> Timestamp + Sync),
        ending: &'a (dyn Fn() -> bool + Sync),
    ) -> flow::House<'a> {
        flow::House {
            store: &self.store,
            archive: &self.archive,
            now,
            ending,
        }
    }

    /// What mails are decided by.
    pub(super) fn rules(&self) -> admit::Rules<'_> {
        admit::Rules {
            desks: &self.desks,
            policy: &self.policy,
            cases: &self.settings.cases.policy,
            only_register: self.settings.only_register(),
            allowance: self.settings.allowance,
        }
    }

    /// How letters are sent.
    pub(super) fn manner(&self) -> deliver::Manner<'_> {
        deliver::Manner {
            schedule: &self.settings.sending.schedule,
            pace: &self.settings.sending.pace,
        }
    }

    /// Takes the lock of the storage folder.
    ///
    /// # Errors
    /// Another process has it, or the file cannot be made.
    pub fn lock(&self) -> Result<Lock, StartError> {
        // `check` and `status` of somebody else touch it for a moment; one that works keeps it.
        for _ in 0..4 {
            match Lock::of_registry(&self.settings.storage_dir) {
                Err(StartError::Busy { .. }) => std::thread::sleep(Duration::from_millis(50)),
                other => return other,
            }
        }
        Lock::of_registry(&self.settings.storage_dir)
    }

    /// Whether another process works on the registry.
    ///
    /// # Errors
    /// The lock file cannot be made.
    pub fn is_at_work(&self) -> Result<bool, StartError> {
        // Shared, so that those who only ask never hide from each other that nobody works.
        match Lock::shared_of_registry(&self.settings.storage_dir) {
            Ok(_lock) => Ok(false),
            Err(StartError::Busy { .. }) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// What the receipts say and who seals them.
    ///
    /// # Errors
    /// The key cannot be read or used.
    pub fn letterhead(&self) -> Result<Letterhead, StartError> {
        let signer = signer(&self.settings)?;
        let validity = signer.validity();
        let is_qualified = signer.is_qualified();
        let stands = is_qualified || self.settings.signing.accept_unqualified;
        let offices = self.settings.offices.iter().map(|office| {
            let content = Office {
                name: office.name.clone(),
                address: office.address.clone(),
                contact: office.contact.clone(),
                hours: office.hours.hours_ro(),
            };
            (office.id.clone(), content)
        });
        let settings = &self.settings;
        Ok(Letterhead {
            agency: settings.agency.clone(),
            offices: offices.collect(),
            registers: settings
                .registers
                .iter()
                .map(|one| (one.code.clone(), one.name.clone()))
                .collect(),
            request_types: settings.request_types.clone(),
            spelling: settings.spelling(),
            addresses: settings
                .sources
                .iter()
                .map(|one| (one.name.clone(), one.address.clone()))
                .collect(),
            read_reports: settings
                .offices
                .iter()
                .filter(|office| office.read_reports)
                .map(|office| office.id.clone())
                .collect(),
            offices_of: settings
                .sources
                .iter()
                .map(|one| (one.name.clone(), one.office.clone()))
                .collect(),
            allowance: settings.allowance,
            unauthenticated: settings.unauthenticated,
            mail_bytes_max: settings.measure.mail_bytes_max,
            consent_form: consent_form(settings)?,
            signer: Box::new(signer),
            signer_valid: Box::new(move |now| validity.check(now).map_err(|error| error.to_string())),
            marking: if stands {
                Marking::None
            } else {
                Marking::Demonstration
            },
        })
    }

    /// The source's mailbox, not yet connected.
    ///
    /// # Errors
    /// The machine gives no threads or file descriptors.
    pub fn mailbox(&self, source: &Source) -> Result<Box<dyn Mailbox>, StartError> {
        let id = SourceId(source.name.clone());
        Ok(match &source.kind {
            SourceKind::Imap(account) => {
                Box::new(ImapMailbox::new(id, (**account).clone()).map_err(StartError::Machine)?)
            }
            SourceKind::Folder { path, move_to } => {
                Box::new(FolderMailbox::new(id, path.clone(), move_to.clone()))
            }
        })
    }

    /// What carries the letters, not yet connected.
    ///
    /// # Errors
    /// The machine gives no threads or file descriptors.
    pub fn transport(&self) -> Result<Box<dyn Transport>, StartError> {
        Ok(match &self.settings.transport {
            Carrier::Smtp(server) => {
                Box::new(SmtpTransport::new((**server).clone()).map_err(StartError::Machine)?)
            }
            Carrier::Folder { path } => Box::new(FolderTransport::new(path.clone())),
        })
    }
}

/// Opens the key that the settings name.
///
/// # Errors
/// The file cannot be read, the password is wrong, or the key is of no kind that may seal.
pub fn signer(settings: &Settings) -> Result<Pkcs12Signer, StartError> {
    let path = &settings.signing.pkcs12;
    let bytes = fs::read(path).map_err(|source| StartError::KeyFile {
        path: path.clone(),
        source,
    })?;
    Pkcs12Signer::open(&bytes, settings.signing.password.reveal()).map_err(|source| StartError::Key {
        path: path.clone(),
        source,
    })
}

/// The source's mailbox for a look that changes nothing there, not yet connected.
///
/// # Errors
/// The machine gives no threads or file descriptors.
pub fn looking_mailbox(source: &Source) -> Result<Box<dyn Mailbox>, StartError> {
    let id = SourceId(source.name.clone());
    Ok(match &source.kind {
        SourceKind::Imap(account) => {
            Box::new(ImapMailbox::looking(id, (**account).clone()).map_err(StartError::Machine)?)
        }
        SourceKind::Folder { path, .. } => Box::new(FolderMailbox::new(id, path.clone(), None)),
    })
}

/// The registry for a look that changes nothing in it; `None` where there is none.
///
/// # Errors
/// It cannot be read, or was made by another version of the program.
pub fn looking_store(settings: &Settings) -> Result<Option<SqliteStore>, StartError> {
    let dir = &settings.storage_dir;
    let path = database_path(dir);
    if restoring_mark(dir).exists() {
        return Err(StartError::HalfRestored { path: dir.clone() });
    }
    if !path.exists() {
        return Ok(None);
    }
    Ok(Some(SqliteStore::open_to_look(&path)?))
}

/// The ends of tokens are told by the same clock as everything else.
fn go_by(clock: &Clock, settings: &Settings) {
    for access in &settings.oauth {
        access.go_by(clock);
    }
}

/// What each source says about everything that arrives in it, by its name.
pub fn desks(settings: &Settings) -> BTreeMap<String, Desk> {
    let mut desks = BTreeMap::new();
    for source in &settings.sources {
        // The configuration was checked: every source names an office that is there.
        let Some(office) = settings.offices.iter().find(|office| office.id == source.office) else {
            continue;
        };
        let desk = Desk {
            source: source.name.clone(),
            address: source.address.clone(),
            office: office.id.clone(),
            register: office.register.clone(),
            hours: office.hours.clone(),
            answers_read_reports: office.answer_read_reports,
            start: source.start,
            authserv_ids: source.authserv_ids.clone(),
        };
        desks.insert(source.name.clone(), desk);
    }
    desks
}

fn office_times(settings: &Settings) -> OfficeTimes {
    let hours = |office: &config::Office| (office.id.clone(), office.hours.clone());
    OfficeTimes {
        calendar: settings.calendar.clone(),
        by_office: settings.offices.iter().map(hours).collect(),
    }
}

/// What decisions depend on, from the settings.
pub fn policy(settings: &Settings) -> Policy {
    let own: BTreeSet<String> = settings
        .sources
        .iter()
        .map(|source| source.address.to_lowercase())
        .collect();
    Policy {
        limits: settings.limits.clone(),
        files_max: settings.files_max,
        screening: screening::Policy { own_addresses: own },
        request_types: settings.request_types.clone(),
        calendar: settings.calendar.clone(),
    }
}
