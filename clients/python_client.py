"""rocketchat_API, the common client for Python, as a script of an agent's uses it."""

import os
import time

from rocketchat_API.APIExceptions.RocketExceptions import RocketApiException
from rocketchat_API.rocketchat import RocketChat

url = os.environ["CONCORD_URL"]
username, password = os.environ["CONCORD_USERNAME"], os.environ["CONCORD_PASSWORD"]

agent = RocketChat(username, password, server_url=url)
assert agent.me()["username"] == username
assert agent.info()["version"]


def get(method, **params):
    return agent.call_api_get(method, **params)


def post(method, body):
    return agent.call_api_post(method, body=body)


post("livechat/custom-fields.save", {"customFieldData": {
    "field": "tier", "label": "Tier", "scope": "visitor", "visibility": "visible"}})

# A contact that an agent makes ahead of its first message, found, read and changed.
person = {"name": "Ana Roe", "emails": ["ana@shop.example"], "phones": [], "customFields": {"tier": "silver"}}
contact_id = post("omnichannel/contacts", person)["contactId"]
found = get("omnichannel/contacts.search", searchText="ana@shop.example")
assert [contact["_id"] for contact in found["contacts"]] == [contact_id], found
assert get("omnichannel/contacts.get", contactId=contact_id)["contact"]["name"] == "Ana Roe"
changed = post("omnichannel/contacts.update", {"contactId": contact_id, "name": "Ana Roe-Diaz"})
assert changed["contact"]["name"] == "Ana Roe-Diaz", changed

# The person writes, is recognised, and says otherwise, without credentials.
token = f"python-{time.time_ns()}"
visitor = RocketChat(server_url=url)
registered = visitor.livechat_register_visitor(token, visitor={"name": "Ana", "email": "ana@shop.example"})
assert registered["visitor"]["token"] == token, registered
assert visitor.livechat_get_visitor(token)["visitor"]["_id"] == registered["visitor"]["_id"]
room = visitor.livechat_room(token)["room"]
assert room["contactId"] == contact_id, room
visitor.call_api_post("livechat/custom.field", body={"token": token, "key": "tier", "value": "gold", "overwrite": False})
torn = get("omnichannel/contacts.get", contactId=contact_id)["contact"]
assert torn["customFields"] == {"tier": "silver"}, torn
assert {"field": "customFields.tier", "value": "gold"} in torn["conflictingFields"], torn

# The agent settles all of it; a second time there is nothing left.
fields = {conflict["field"] for conflict in torn["conflictingFields"]}
decided = {"contactId": contact_id, "customFields": {"tier": "gold"}}
if "name" in fields:
    decided["name"] = "Ana Roe-Diaz"
settled = post("omnichannel/contacts.conflicts", decided)["result"]
assert settled["customFields"] == {"tier": "gold"}, settled
assert settled["conflictingFields"] == [], settled
try:
    post("omnichannel/contacts.conflicts", decided)
except RocketApiException as refused:
    assert refused.status_code == 400, refused
    assert refused.response_json["error"] == "error-contact-has-no-conflicts", refused
else:
    raise AssertionError("the same conflict was settled twice")

# Logged out, the credentials are worth nothing.
agent.logout()
try:
    agent.me()
except RocketApiException as refused:
    assert refused.status_code == 401, refused
else:
    raise AssertionError("the credentials outlived the logout")
