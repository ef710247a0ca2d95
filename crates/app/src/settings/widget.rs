//! The settings of the widget that visitors see: how it looks, what it asks, what it says.
//!
//! They are handed to every visitor by `livechat/config`, so nearly all are public.
//! Evidence: contract/around.md 6.3.

use super::{
    DISPLAY_OFFLINE_FORM, OFFLINE_EMAIL, SettingSpec, are_addresses_or_empty, flag, form, number, one_of, public,
    some_of, text,
};

/// The kinds of system messages that the widget can leave out.
const SYSTEM_MESSAGES: &[&str] = &["uj", "ul", "livechat-close", "livechat-started", "livechat_transfer_history"];

/// The settings of the widget.
pub(super) const SETTINGS: &[SettingSpec] = &[
    public(text("Site_Url", "")),
    public(text("Language", "")),
    public(number("Message_MaxAllowedSize", 5000)),
    public(text("Livechat_title", "Rocket.Chat")),
    public(text("Livechat_title_color", "#C1272D")),
    public(text("Livechat_background", "")),
    public(one_of("Livechat_widget_position", &["right", "left"])),
    public(flag("Livechat_hide_watermark", false)),
    public(flag("Livechat_hide_expand_chat", false)),
    public(some_of("Livechat_hide_system_messages", SYSTEM_MESSAGES)),
    public(flag("Livechat_registration_form", true)),
    public(flag("Livechat_name_field_registration_form", true)),
    public(flag("Livechat_email_field_registration_form", true)),
    public(text("Livechat_registration_form_message", "")),
    public(flag("Livechat_allow_switching_departments", true)),
    public(flag(DISPLAY_OFFLINE_FORM, true)),
    public(text("Livechat_offline_title", "Leave a message")),
    public(text("Livechat_offline_title_color", "#666666")),
    public(text("Livechat_offline_message", "")),
    public(text("Livechat_offline_success_message", "")),
    public(text("Livechat_offline_form_unavailable", "")),
    form(OFFLINE_EMAIL, "", are_addresses_or_empty),
    public(text("Livechat_conversation_finished_message", "")),
    public(text("Livechat_conversation_finished_text", "")),
    public(flag("Livechat_enable_transcript", false)),
    public(text("Livechat_transcript_message", "")),
    public(flag("Livechat_force_accept_data_processing_consent", false)),
    public(text("Livechat_data_processing_consent_text", "")),
    public(flag("Livechat_Show_Connecting", false)),
    public(flag("Livechat_show_agent_info", true)),
    // Upstream's default is on; what strangers are told of an agent is a name.
    public(flag("Livechat_show_agent_email", false)),
    public(flag("Livechat_clear_local_storage_when_chat_ended", false)),
    public(flag("Livechat_enable_message_character_limit", false)),
    public(number("Livechat_message_character_limit", 0)),
    public(one_of("Livechat_history_monitor_type", &["url", "title"])),
    flag("Livechat_Visitor_navigation_as_a_message", false),
    text("Livechat_AllowedDomainsList", ""),
];
