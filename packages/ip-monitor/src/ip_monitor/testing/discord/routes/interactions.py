"""
Answers to interactions, and the webhook routes that take follow-ups and what plain webhooks post.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ip_monitor.testing.discord import messages as m
from ip_monitor.testing.discord import refusal
from ip_monitor.testing.discord.calls import NO_CONTENT, Answer, Call, Route
from ip_monitor.testing.discord.interactions import CallbackType, Interaction, InteractionType
from ip_monitor.testing.discord.people import User
from ip_monitor.testing.discord.routes.guilds import webhook_payload

if TYPE_CHECKING:
    from ip_monitor.testing.discord.messages import Message
    from ip_monitor.testing.discord.world import Webhook

_ALLOWED = {
    InteractionType.COMMAND: {CallbackType.MESSAGE, CallbackType.DEFERRED_MESSAGE, CallbackType.MODAL},
    InteractionType.AUTOCOMPLETE: {CallbackType.CHOICES},
    InteractionType.COMPONENT: {
        CallbackType.MESSAGE,
        CallbackType.DEFERRED_MESSAGE,
        CallbackType.DEFERRED_UPDATE,
        CallbackType.UPDATE,
        CallbackType.MODAL,
    },
    InteractionType.MODAL: {
        CallbackType.MESSAGE,
        CallbackType.DEFERRED_MESSAGE,
        CallbackType.DEFERRED_UPDATE,
        CallbackType.UPDATE,
    },
}


async def _callback(call: Call) -> Answer:
    world = call.world
    interaction = world.interactions.get(call.params["interaction_token"])
    if interaction is None or interaction.id != call.number("interaction_id"):
        raise refusal.unknown_interaction()
    interaction.check_first_answer(world.clock.monotonic())
    kind, data = CallbackType(int(call.body["type"])), dict(call.body.get("data") or {})
    if kind not in _ALLOWED[interaction.type]:
        raise refusal.invalid_form(
            {"type": {"_errors": [{"code": "INTERACTION_CALLBACK_TYPE", "message": "Not for this interaction"}]}}
        )
    made = _carry_out(call, interaction, kind, data)
    interaction.callback = kind
    world.pulse.beat()
    if call.query.get("with_response", "").lower() not in {"1", "true"}:
        return NO_CONTENT
    return Answer(200, _told(interaction, kind, made))


def _carry_out(call: Call, interaction: Interaction, kind: CallbackType, data: dict[str, Any]) -> Message | None:
    if kind is CallbackType.CHOICES:
        interaction.choices = list(data["choices"])
    elif kind is CallbackType.MODAL:
        interaction.modal = data
    elif kind is CallbackType.MESSAGE:
        interaction.original = _answering(call, interaction, data)
    elif kind is CallbackType.DEFERRED_MESSAGE:
        waiting = {"flags": int(data.get("flags") or 0) & m.EPHEMERAL | m.LOADING}
        interaction.original = _answering(call, interaction, waiting)
    else:
        if interaction.source is None:
            raise refusal.invalid_form({"type": {"_errors": [{"code": "NO_MESSAGE", "message": "No message"}]}})
        interaction.original = interaction.source
        if kind is CallbackType.UPDATE:
            call.posting.edit(interaction.source, data, files=call.files)
    return interaction.original


def _told(interaction: Interaction, kind: CallbackType, made: Message | None) -> dict[str, Any]:
    told: dict[str, Any] = {"id": str(interaction.id), "type": int(interaction.type)}
    resource: dict[str, Any] | None = None
    if made is not None:
        told |= {
            "response_message_id": str(made.id),
            "response_message_loading": made.is_loading,
            "response_message_ephemeral": made.is_ephemeral,
            "channel_id": str(made.channel.id),
        }
        # Source: Interaction Callback Resource Object: present for these two kinds only.
        if kind in {CallbackType.MESSAGE, CallbackType.UPDATE}:
            resource = {"type": int(kind), "message": made.payload()}
    return {"interaction": told} if resource is None else {"interaction": told, "resource": resource}


def _answering(call: Call, interaction: Interaction, data: dict[str, Any], reference: Message | None = None) -> Message:
    world = call.world
    is_private = bool(int(data.get("flags") or 0) & m.EPHEMERAL)
    by_command = interaction.type is InteractionType.COMMAND and reference is None
    return call.posting.create(
        interaction.channel,
        world.bot,
        data,
        files=call.files,
        only_for=interaction.user if is_private else None,
        type=20 if by_command else 19 if reference is not None else 0,
        reference=reference,
        webhook_id=world.application_id,
        application_id=world.application_id,
        interaction_metadata=interaction.metadata(),
    )


# ---------------------------------------------------------------- by token: interactions and webhooks


async def _post(call: Call) -> Answer:
    target = _target(call)
    if isinstance(target, Interaction):
        return _follow_up(call, target)
    if target.channel.id not in call.world.channels:
        raise refusal.unknown_webhook()
    name = str(call.form.get("username") or target.name)
    message = call.posting.create(
        target.channel, User(target.id, name, is_bot=True), call.form, files=call.files, webhook_id=target.id
    )
    return Answer(200, message.payload()) if call.query.get("wait", "").lower() in {"1", "true"} else NO_CONTENT


def _follow_up(call: Call, interaction: Interaction) -> Answer:
    """
    The first one after a deferred reply takes the place of “is thinking”, whatever flags it has.
    """
    original, data = interaction.original, dict(call.form)
    if original is not None and original.is_loading and original is not interaction.source:
        message = call.posting.edit(original, data, files=call.files)
        interaction.is_updated = True
    else:
        message = _answering(call, interaction, data, reference=original)
        interaction.followups.append(message)
    call.world.pulse.beat()
    return Answer(200, message.payload())


async def _get(call: Call) -> Answer:
    return Answer(200, _own(call).payload())


async def _edit(call: Call) -> Answer:
    message = call.posting.edit(_own(call), call.form, files=call.files)
    target = _target(call)
    if isinstance(target, Interaction) and message is target.original:
        target.is_updated = True
        call.world.pulse.beat()
    return Answer(200, message.payload())


async def _delete(call: Call) -> Answer:
    call.posting.delete(_own(call))
    return NO_CONTENT


async def _get_webhook(call: Call) -> Answer:
    target = _target(call)
    if isinstance(target, Interaction):
        raise refusal.unknown_webhook()
    data = webhook_payload(call, target)
    data.pop("user")
    return Answer(200, data)


async def _delete_webhook(call: Call) -> Answer:
    target = _target(call)
    if isinstance(target, Interaction):
        raise refusal.unknown_webhook()
    del call.world.webhooks[target.id]
    return NO_CONTENT


def _target(call: Call) -> Interaction | Webhook:
    world, number, token = call.world, call.number("webhook_id"), call.params["webhook_token"]
    if number == world.application_id:
        interaction = world.interactions.get(token)
        if interaction is None:
            raise refusal.invalid_webhook_token()
        interaction.check_token(world.clock.monotonic())
        return interaction
    webhook = world.webhooks.get(number)
    if webhook is None:
        raise refusal.unknown_webhook()
    if webhook.token != token:
        raise refusal.invalid_webhook_token()
    return webhook


def _own(call: Call) -> Message:
    target = _target(call)
    if isinstance(target, Interaction):
        named = call.params.get("message_id")
        mine = [target.original, *target.followups]
        found = target.original if named is None else next((x for x in mine if x and str(x.id) == named), None)
    else:
        found = call.world.messages(target.channel).get(call.number("message_id"))
        if found is not None and found.webhook_id != target.id:
            found = None
    if found is None or found.is_deleted:
        raise refusal.unknown_message()
    return found


_BY_TOKEN = "/webhooks/{webhook_id}/{webhook_token}"  # noqa: S105  # the name of a field of the path

ROUTES = (
    Route("POST", "/interactions/{interaction_id}/{interaction_token}/callback", _callback, is_open=True),
    Route("POST", _BY_TOKEN, _post, is_open=True),
    Route("GET", _BY_TOKEN, _get_webhook, is_open=True),
    Route("DELETE", _BY_TOKEN, _delete_webhook, is_open=True),
    *(
        route
        for path in (_BY_TOKEN + "/messages/@original", _BY_TOKEN + "/messages/{message_id}")
        for route in (
            Route("GET", path, _get, is_open=True),
            Route("PATCH", path, _edit, is_open=True),
            Route("DELETE", path, _delete, is_open=True),
        )
    ),
)
