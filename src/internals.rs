//! What the tests and benches of this package reach beside the public API, under its path in the
//! package. The feature `internals` makes the module public.

pub mod analytics {
    pub use crate::analytics::build_report;
}

pub mod bankgen {
    pub use crate::bankgen::{
        StatementRequest, derive_data_key, find_supplied_id, find_transaction, generate_accounts,
        generate_statement, is_supported, opening_date,
    };
}

pub mod cli {
    pub mod command_tree {
        pub use crate::cli::command_tree::build_command;
    }

    pub mod control_calls {
        pub use crate::cli::control_calls::command_of_call;
    }

    pub mod exit_status {
        pub use crate::cli::exit_status::ExitStatus;
    }
}

pub mod config {
    pub use crate::config::shipped_participants;

    pub mod personas {
        pub use crate::config::personas::load_personas;
    }
}

pub mod crypto {
    pub mod base64 {
        pub use crate::crypto::base64::{decode, encode, url_decode, url_encode};
    }

    pub mod jws {
        pub use crate::crypto::jws::{
            PayloadEncoding, sign_detached, verify_compact, verify_detached,
        };
    }

    pub mod key_exchange {
        pub use crate::crypto::key_exchange::{
            KeyExchangeError, KeyPair, encode_public_key, parse_nonce, parse_public_key,
        };
    }

    pub mod keys {
        pub use crate::crypto::keys::SigningKey;
    }

    pub mod redirection {
        pub use crate::crypto::redirection::{MessageKey, deobfuscate_id, obfuscate_id};
    }
}

pub mod domain {
    pub mod account {
        pub use crate::domain::account::{Account, FiType};
    }

    pub mod action {
        pub use crate::domain::action::{ActionName, ConsentAction};
    }

    pub mod api_fault {
        pub use crate::domain::api_fault::ApiFaultName;
    }

    pub mod calendar {
        pub use crate::domain::calendar::{Month, is_working_day};
    }

    pub mod contract_report {
        pub use crate::domain::contract_report::{ContractRule, FaultGrading, grading_of};
    }

    pub mod command {
        pub use crate::domain::command::{Command, OnRepeatedTxnid, RaiseConsent};
    }

    pub mod consent {
        pub use crate::domain::consent::{Api, Input};
    }

    pub mod document {
        pub use crate::domain::document::Element;
    }

    pub mod error_code {
        pub use crate::domain::error_code::ErrorCode;
    }

    pub mod event {
        pub use crate::domain::event::EventName;
    }

    pub mod ids {
        pub use crate::domain::ids::{ConsentHandle, SessionId};
    }

    pub mod key_exchange {
        pub use crate::domain::key_exchange::{Curve, PeerKey};
    }

    pub mod ledger_changes {
        pub use crate::domain::ledger_changes::{AccountQuery, LedgerChanges, TransactionContent};
    }

    pub mod money {
        pub use crate::domain::money::Paise;
    }

    pub mod narration_layout {
        pub use crate::domain::narration_layout::NarrationLayout;
    }

    pub mod participants {
        pub use crate::domain::participants::{
            Aa, AaCredential, Entity, FiSchema, Fip, LinkingMethod, Participants, PublicKey,
            SignatureProfile,
        };
    }

    pub mod persona {
        pub use crate::domain::persona::{ContentPlan, DEFAULT_PERSONA, PersonaInstance, Personas};
    }

    pub mod quirk {
        pub use crate::domain::quirk::Quirk;
    }

    pub mod session {
        pub use crate::domain::session::{ApprovalMode, DataTiming};
    }

    pub mod statement {
        pub use crate::domain::statement::{
            Row, SentStatement, Statement, StatementBody, Summary, TransactionMode, Transactions,
        };
    }

    pub mod statement_writer {
        pub use crate::domain::statement_writer::{StatementWriter, write_statement};
    }

    pub mod terms {
        pub use crate::domain::terms::{
            ConsentType, DataFilter, FilterCriterion, FilterOperator, TimeRange, TransactionType,
        };
    }

    pub mod time {
        pub use crate::domain::time::{Millis, Timestamp};
    }

    pub mod unaport {
        pub use crate::domain::unaport::UnaportConfig;
    }

    pub mod version {
        pub use crate::domain::version::RebitVersion;
    }

    pub mod webhook_fault {
        pub use crate::domain::webhook_fault::WebhookFaultName;
    }
}

pub mod engine {
    pub mod clock {
        pub use crate::engine::clock::{ClockStart, system_now};
    }

    pub mod sandbox_config {
        pub use crate::engine::sandbox_config::{SandboxConfig, SimulatedFips};
    }

    pub mod world {
        pub use crate::engine::world::World;
    }
}

pub mod export {
    pub use crate::export::list_element_sheets;

    pub mod pdf {
        pub use crate::export::pdf::{StatementPdf, write_workbook};
    }

    pub mod xlsx {
        pub use crate::export::xlsx::{StatementXlsx, write_workbook};
    }
}

pub mod files {
    pub mod participants {
        pub use crate::files::participants::list_file_keys;
    }
}

pub mod http {
    pub mod openapi {
        pub use crate::http::openapi::build_document;
    }

    pub mod routes {
        pub use crate::http::route_info::Section;
        pub use crate::http::routes::{Authentication, all_routes};
    }
}

pub mod wire {
    pub mod artefact {
        pub use crate::wire::artefact::ConsentDetail;
    }

    pub mod fi {
        pub mod csv {
            pub use crate::wire::fi::csv::{CsvOptions, CsvWriter};
        }

        pub mod form {
            pub use crate::wire::fi::form::form_statement;
        }

        pub mod json {
            pub use crate::wire::fi::json::{JsonDialect, JsonWriter};
        }

        pub mod tabs {
            pub use crate::wire::fi::tabs::Tabs;
        }

        pub mod xml {
            pub use crate::wire::fi::xml::write_statement;
        }
    }

    pub mod fields {
        pub use crate::wire::fields::{parse_json, parse_timestamp};
    }

    pub mod rebit {
        pub use crate::wire::rebit::ResponseContext;

        pub mod fi {
            pub use crate::wire::rebit::fi::{
                EncryptedAccount, EncryptedEntry, encode_fetch_response,
            };
        }

        pub mod key_material {
            pub use crate::wire::rebit::key_material::KeyMaterial;
        }
    }

    pub mod seed {
        pub use crate::wire::seed::{ConsentRequest, ConsentResponse, ConsentStatusResponse};
    }
}
