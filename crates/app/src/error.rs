//! Why a use case refuses or fails. A variant is there where a caller would do something else.

use domain::custom_field::CustomFieldError;
use domain::ids::ContactId;
use domain::resolve::ResolveError;
use domain::update::UpdateError;

use crate::block_channel::BlockChannelError;
use crate::change_settings::SettingError;
use crate::close_room::CloseRoomError;
use crate::converse::ConverseError;
use crate::custom_fields::DefinitionError;
use crate::delete_contact::DeleteContactError;
use crate::delete_visitor::DeleteVisitorError;
use crate::enter_visitor::EnterVisitorError;
use crate::inquiries::InquiryError;
use crate::login::LoginError;
use crate::manage_agents::AgentError;
use crate::offline_message::OfflineMessageError;
use crate::open_room::OpenRoomError;
use crate::passwords::PasswordError;
use crate::personal_tokens::PersonalTokenError;
use crate::register_visitor::RegisterError;
use crate::roles::{PermissionError, RoleError};
use crate::rooms::RoomError;
use crate::say_custom_fields::SayError;
use crate::store::StoreError;
use crate::transcript::TranscriptError;
use crate::user_rules::UserError;
use crate::visitor_status::VisitorStatusError;

/// What a use case can end in other than its answer.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// There is no such contact, or it was deleted.
    #[error("there is no such contact")]
    ContactNotFound,
    /// The contact is not at the revision the caller expected.
    #[error("the contact has changed since the caller read it")]
    RevisionMismatch {
        /// Which.
        contact: ContactId,
    },
    /// The manager named is no agent.
    #[error("no agent has the id of the manager chosen")]
    ManagerNotFound,
    /// A custom field is not allowed, or its value is not.
    #[error(transparent)]
    CustomField(#[from] CustomFieldError),
    /// The edit is refused.
    #[error(transparent)]
    Update(#[from] UpdateError),
    /// The resolution is refused.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// A channel is not blocked.
    #[error(transparent)]
    BlockChannel(#[from] BlockChannelError),
    /// A contact is not deleted.
    #[error(transparent)]
    DeleteContact(#[from] DeleteContactError),
    /// A visitor is not entered.
    #[error(transparent)]
    EnterVisitor(#[from] EnterVisitorError),
    /// A custom field is not saved or deleted.
    #[error(transparent)]
    Definition(#[from] DefinitionError),
    /// A visitor is not registered.
    #[error(transparent)]
    Register(#[from] RegisterError),
    /// A visitor's custom fields are not taken.
    #[error(transparent)]
    Say(#[from] SayError),
    /// No conversation is found or opened.
    #[error(transparent)]
    OpenRoom(#[from] OpenRoomError),
    /// A conversation is not closed.
    #[error(transparent)]
    CloseRoom(#[from] CloseRoomError),
    /// Nothing is said.
    #[error(transparent)]
    Converse(#[from] ConverseError),
    /// A conversation is not taken or given back.
    #[error(transparent)]
    Inquiry(#[from] InquiryError),
    /// A conversation stays as it is.
    #[error(transparent)]
    Room(#[from] RoomError),
    /// A visitor's status stays as it is.
    #[error(transparent)]
    VisitorStatus(#[from] VisitorStatusError),
    /// A message left while nobody was there reached nobody.
    #[error(transparent)]
    OfflineMessage(#[from] OfflineMessageError),
    /// No transcript is sent.
    #[error(transparent)]
    Transcript(#[from] TranscriptError),
    /// A visitor is not deleted.
    #[error(transparent)]
    DeleteVisitor(#[from] DeleteVisitorError),
    /// Nobody is logged in.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// A user is not made, changed or removed.
    #[error(transparent)]
    User(#[from] UserError),
    /// Nothing is done about a personal token.
    #[error(transparent)]
    PersonalToken(#[from] PersonalTokenError),
    /// A role is not given or taken.
    #[error(transparent)]
    Role(#[from] RoleError),
    /// Permissions stay as they are.
    #[error(transparent)]
    Permission(#[from] PermissionError),
    /// Settings stay as they are.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// A post stays as it is.
    #[error(transparent)]
    Agent(#[from] AgentError),
    /// A password could not be looked at.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// So much happens to this record that no attempt went through.
    #[error("too much happens to this record at once")]
    Busy,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<std::convert::Infallible> for AppError {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}
