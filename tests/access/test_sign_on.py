"""Single sign-on with a provider that is real but for its people, and with one that lies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from kanhe.app.access import SignedIn
from kanhe.app.signing_in import TooLate
from kanhe.app.staffing import open_staffing
from kanhe.core.errors import SettingsError
from kanhe.core.settings import Settings
from kanhe.protect.access.accounts import AccessRefused
from kanhe.protect.access.oidc import SignOn, SignOnRefused
from kanhe.stores.desk.database import Desk
from kanhe.stores.http.sign_on import HttpProvider
from tests.access.building import building
from tests.access.cheap import T0, chance
from tests.access.office import ORIGIN, Office
from tests.access.provider import CLIENT, SECRET, OpenProvider, came_back, open_provider

BACK = f"{ORIGIN}/sign-in/sso/back"
ANA = "ana@example.com"


@pytest.fixture(scope="module")
def one_provider() -> Iterator[OpenProvider]:
    """One provider for all tests, since its key takes a while to make."""
    with open_provider(lambda: T0) as provider:
        yield provider


@pytest.fixture
def provider(one_provider: OpenProvider) -> OpenProvider:
    """The provider, well-behaved."""
    one_provider.claims, one_provider.metadata, one_provider.status = {}, {}, 200
    one_provider.subject, one_provider.published = "sub-ana", [one_provider.key]
    one_provider.asked.clear()
    return one_provider


@pytest.fixture
def office(provider: OpenProvider) -> Iterator[Office]:
    """An office whose company has a single sign-on."""
    made = Office(sso=_sign_on(provider))
    yield made
    made.desk.close()


def _sign_on(provider: OpenProvider) -> SignOn:
    http = HttpProvider(provider.issuer, CLIENT, SECRET)
    return SignOn(http, CLIENT, BACK, chance(3).randbytes)


def _accept(office: Office, provider: OpenProvider) -> SignedIn:
    """Ana accepts her invitation with her account at the provider."""
    manager = office.visitor(office.found())
    _, link = office.invite(manager, ANA, "risk_analyst", name="Ana Li")
    url, sealed = office.staffing.signing_in.begin_sso("link")
    subject, _ = office.staffing.signing_in.finish_sso(sealed, provider.sign_in(url))
    token = link.rpartition("/")[2]
    return office.staffing.enrolling.accept_with_sso(token, subject, office.client())


def _again(office: Office, provider: OpenProvider) -> SignedIn | str:
    url, sealed = office.staffing.signing_in.begin_sso()
    subject, _ = office.staffing.signing_in.finish_sso(sealed, provider.sign_in(url))
    return office.staffing.signing_in.sso(subject, office.client())


def test_an_invited_person_signs_in_with_the_company(
    office: Office, provider: OpenProvider
) -> None:
    """Accepting ties the account; from then on the provider's word, with a second factor, opens it."""
    _accept(office, provider)
    signed_in = _again(office, provider)
    assert isinstance(signed_in, SignedIn)
    visitor = office.visitor(signed_in)
    assert visitor.actor.name == "Ana Li"
    assert visitor.actor.second_factor
    assert ("signed_in", "system", "sso") in office.told()


def test_the_browser_is_sent_with_everything_that_protects(
    office: Office, provider: OpenProvider
) -> None:
    """State, nonce and a challenge by SHA-256 go along, and are new each time."""
    seen = []
    for _ in range(2):
        url, _sealed = office.staffing.signing_in.begin_sso()
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        assert query["redirect_uri"] == BACK
        assert "openid" in query["scope"].split()
        seen += [query["state"], query["nonce"], query["code_challenge"]]
    assert len(set(seen)) == 6


def test_nobody_gets_an_account_by_signing_in_elsewhere(
    office: Office, provider: OpenProvider
) -> None:
    """A subject that nobody invited is refused, also one with the mail address of somebody here."""
    _accept(office, provider)
    provider.subject = "sub-eve"
    with pytest.raises(SignOnRefused, match="no account here"):
        _again(office, provider)


def test_without_a_second_factor_there_ours_is_asked_for(
    office: Office, provider: OpenProvider
) -> None:
    """The provider's word alone is half a sign-in, and cannot accept an invitation."""
    manager = office.visitor(office.found())
    _, link = office.invite(manager, ANA, "risk_analyst")
    ana = office.visitor(office.accept_with_password(link, ANA))
    url, sealed = office.staffing.signing_in.begin_sso()
    subject, _ = office.staffing.signing_in.finish_sso(sealed, provider.sign_in(url))
    office.staffing.enrolling.tie(ana, subject)
    provider.claims = {"amr": ["pwd"]}
    office.later(30_000)
    half = _again(office, provider)
    assert isinstance(half, str)
    assert office.staffing.visitor(half) is None
    signed_in = office.staffing.signing_in.code(half, office.code(ANA), office.client())
    assert office.visitor(signed_in).actor.second_factor
    assert office.told()[-1] == ("signed_in", "system", "sso")
    _, link = office.invite(manager, "bo@example.com", "auditor")
    with pytest.raises(SignOnRefused, match="second factor"):
        office.staffing.enrolling.accept_with_sso(
            link.rpartition("/")[2], subject._replace(second_factor=False), office.client()
        )


def test_one_subject_opens_one_account(office: Office, provider: OpenProvider) -> None:
    """What is tied to somebody is not tied to somebody else as well."""
    ana = _accept(office, provider)
    url, sealed = office.staffing.signing_in.begin_sso()
    subject, _ = office.staffing.signing_in.finish_sso(sealed, provider.sign_in(url))
    options, question = office.staffing.signing_in.ask_for_passkey()
    answer = office.keys["mia@example.com"].show(options)
    mia = office.visitor(office.staffing.signing_in.passkey(question, answer, office.client()))
    with pytest.raises(AccessRefused, match="tied to somebody"):
        office.staffing.enrolling.tie(mia, subject)
    with pytest.raises(AccessRefused, match="nothing would be left"):
        office.staffing.enrolling.untie(office.visitor(ana))


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.test"},
        {"aud": "another client"},
        {"aud": [CLIENT, "another"], "azp": "another"},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": T0 // 1_000 - 3_600},
        {"exp": None},
        {"iat": T0 // 1_000 + 86_400},
        {"sub": None},
        {"sub": ""},
        {"sub": "x" * 300},
        {"sub": 5},
    ],
    ids=str,
)
def test_a_token_that_is_not_for_us_is_refused(
    office: Office, provider: OpenProvider, claims: dict[str, Any]
) -> None:
    """Another issuer, audience or nonce, a time that is over, and a subject that is none."""
    _accept(office, provider)
    provider.claims = claims
    with pytest.raises(SignOnRefused):
        _again(office, provider)


def test_a_state_is_used_once_and_not_swapped(office: Office, provider: OpenProvider) -> None:
    """What comes back must carry the state that was sent, once, in time."""
    _accept(office, provider)
    signing_in = office.staffing.signing_in
    url, sealed = signing_in.begin_sso()
    answer = provider.sign_in(url)
    for wrong in (
        {**answer, "state": "x"}, {**answer, "state": ""}, {"code": "c"}, {},
        {**answer, "iss": "https://evil.test"}, {**answer, "state": "\ud800"},
        {"state": answer["state"], "error": "access_denied"}, {"state": answer["state"]},
    ):  # fmt: skip
        url, sealed = signing_in.begin_sso()
        sent = provider.sign_in(url)
        given = (
            {**wrong, "state": sent["state"]} if wrong.get("state") == answer["state"] else wrong
        )
        with pytest.raises(SignOnRefused):
            signing_in.finish_sso(sealed, given)
    url, sealed = signing_in.begin_sso()
    answer = provider.sign_in(url)
    assert signing_in.finish_sso(sealed, answer)
    with pytest.raises(TooLate):
        signing_in.finish_sso(sealed, answer)
    url, sealed = signing_in.begin_sso()
    answer = provider.sign_in(url)
    office.later(10 * 60_000)
    with pytest.raises(TooLate):
        signing_in.finish_sso(sealed, answer)
    with pytest.raises(TooLate):
        signing_in.finish_sso("nonsense", answer)


def test_a_code_of_another_browser_is_refused(office: Office, provider: OpenProvider) -> None:
    """A code that was begun elsewhere does not fit the verifier of this one (PKCE)."""
    _accept(office, provider)
    signing_in = office.staffing.signing_in
    url, _ = signing_in.begin_sso()
    stolen = provider.sign_in(url)["code"]
    url, sealed = signing_in.begin_sso()
    with pytest.raises(SignOnRefused, match="400"):
        signing_in.finish_sso(sealed, {**provider.sign_in(url), "code": stolen})


def test_signatures_count(office: Office, provider: OpenProvider) -> None:
    """A key that is not published signs nothing; a new one is found by asking again."""
    _accept(office, provider)
    stranger = RSAKey.generate_key(2048, {"kid": "k1", "alg": "RS256"})
    provider.published = [stranger]
    fresh = _sign_on(provider)
    office.access.sso = fresh
    with pytest.raises(SignOnRefused):
        _again(office, provider)
    provider.published = [provider.key]
    assert isinstance(_again(office, provider), SignedIn)


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_weak_algorithms_are_refused(
    office: Office, provider: OpenProvider, algorithm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token without a signature, or signed with what everybody knows, is none."""
    _accept(office, provider)
    encode = jwt.encode

    def weak(header: dict[str, Any], claims: dict[str, Any], key: Any) -> str:
        public = provider.key.as_pem(private=False)
        known = OctKey.import_key(public)
        if algorithm == "none":
            whole = encode({"alg": "HS256"}, claims, known, algorithms=["HS256"])
            return "eyJhbGciOiJub25lIn0." + whole.split(".")[1] + "."
        return encode({"alg": "HS256", "kid": "k1"}, claims, known, algorithms=["HS256"])

    monkeypatch.setattr("tests.access.provider.jwt.encode", weak)
    with pytest.raises(SignOnRefused):
        _again(office, provider)


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.test"},
        {"token_endpoint": "http://evil.test/token"},
        {"token_endpoint": "file:///etc/passwd"},
        {"jwks_uri": None},
        {"authorization_endpoint": 5},
    ],
    ids=str,
)
def test_a_provider_that_publishes_nonsense_is_refused(
    office: Office, provider: OpenProvider, metadata: dict[str, Any]
) -> None:
    """Another issuer, an address that is not https, and what is missing are noticed before anybody is sent."""
    provider.metadata = metadata
    office.access.sso = _sign_on(provider)
    with pytest.raises(SignOnRefused):
        office.staffing.signing_in.begin_sso()


def test_a_provider_that_fails_is_told_in_words(office: Office, provider: OpenProvider) -> None:
    """Errors and silence of the provider are refusals, not faults of ours."""
    provider.status = 500
    office.access.sso = _sign_on(provider)
    with pytest.raises(SignOnRefused, match="500"):
        office.staffing.signing_in.begin_sso()
    nobody = HttpProvider("http://127.0.0.1:1", CLIENT, SECRET)
    with pytest.raises(SignOnRefused, match="cannot be reached"):
        nobody.metadata()


def test_the_pages_lead_there_and_back(provider: OpenProvider, tmp_path: Path) -> None:
    """From the button to the provider, back, and in; and the invitation by the same way."""
    with building(tmp_path, sso=_sign_on(provider)) as house:
        manager = house.office.visitor(house.office.found())
        _, link = house.office.invite(manager, ANA, "auditor")
        browser = house.browser()
        browser.get(link.removeprefix(house.origin))
        answer = browser.post(link.removeprefix(house.origin) + "/sso")
        back = came_back(provider.sign_in(answer.headers["location"]))
        answer = browser.get(f"/sign-in/sso/back?{back}")
        assert answer.headers["location"] == "/settings/account"
        other = house.browser()
        other.get("/sign-in?next=/audit")
        answer = other.post("/sign-in/sso", {"next": "/audit"})
        assert answer.headers["location"].startswith(provider.issuer)
        back = came_back(provider.sign_in(answer.headers["location"]))
        stranger = house.browser()
        assert stranger.get(f"/sign-in/sso/back?{back}").status_code == 422
        assert other.get(f"/sign-in/sso/back?{back}").headers["location"] == "/audit"


def test_it_is_off_unless_configured(tmp_path: Path) -> None:
    """Without an issuer there is none; half a configuration is refused."""
    desk = Desk()
    settings = Settings(data_dir=str(tmp_path))
    staffing = open_staffing(settings, desk, lambda: T0)
    assert staffing.access.sso is None
    with pytest.raises(SignOnRefused, match="not configured"):
        staffing.signing_in.begin_sso()
    half = Settings(data_dir=str(tmp_path), oidc_issuer="https://login.example.com")
    with pytest.raises(SettingsError, match="oidc_client_id"):
        open_staffing(half, desk, lambda: T0)
    secret = tmp_path / "secret"
    secret.write_text("s\n", "utf-8")
    secret.chmod(0o600)
    whole = Settings(
        data_dir=str(tmp_path), oidc_issuer="https://login.example.com", oidc_client_id="kanhe",
        oidc_secret_file=str(secret),
    )  # fmt: skip
    assert open_staffing(whole, desk, lambda: T0).access.sso is not None
    desk.close()
