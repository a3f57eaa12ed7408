"""What a model is asked with: bad values are refused by name, and the key shows itself to nobody."""

from __future__ import annotations

import math

import pytest

from steadyhand.errors import ConfigError
from steadyhand.model.parameters import SecretText
from steadyhand.resolution.vision_model import KEY_VARIABLE, Endpoint

URL, MODEL = "http://localhost:11434/v1", "qwen3-vl:4b"


def test_options_name_an_endpoint() -> None:
    """Address, model, price and key come from where a command line has them."""
    endpoint = Endpoint.configured(URL, MODEL, "0.15,0.6", {KEY_VARIABLE: "sesame"})
    assert (endpoint.url, endpoint.model, endpoint.price) == (URL, MODEL, (0.15, 0.6))
    assert endpoint.key is not None
    assert endpoint.key.reveal() == "sesame"
    assert "sesame" not in repr(endpoint)


def test_a_model_of_ones_own_needs_no_key() -> None:
    """Neither a key nor a price has to be given."""
    assert Endpoint.configured(URL, MODEL, None, {KEY_VARIABLE: ""}) == Endpoint(URL, MODEL)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:11434",
        "ftp://localhost/v1",
        "file:///etc/passwd",
        "http://",
        "http://[::1",
        "http://localhost:99999/v1",
        "http://local host/v1",
        "http://localhost/v1\n",
        "https://me:sesame@models.example/v1",
        "https://models.example/v1?key=sesame",
        "https://models.example/v1#top",
    ],
)
def test_a_bad_address_is_refused(url: str) -> None:
    """The message names the option, and never a password."""
    with pytest.raises(ConfigError, match="--vlm-url") as refusal:
        Endpoint(url, MODEL)
    assert "sesame" not in str(refusal.value)


@pytest.mark.parametrize("model", ["", "  ", "a\nb"])
def test_a_bad_name_is_refused(model: str) -> None:
    """A model has a name of one line."""
    with pytest.raises(ConfigError, match="--vlm-model"):
        Endpoint(URL, model)


@pytest.mark.parametrize("key", ["two words", "line\nfeed", "clé"])
def test_a_key_that_no_header_can_hold_is_refused(key: str) -> None:
    """The message names the variable and does not show the key."""
    with pytest.raises(ConfigError, match=KEY_VARIABLE) as refusal:
        Endpoint(URL, MODEL, SecretText(key))
    assert key not in str(refusal.value)


@pytest.mark.parametrize("price", [(-1.0, 1.0), (1.0, math.nan), (math.inf, 1.0)])
def test_a_bad_price_is_refused(price: tuple[float, float]) -> None:
    """A price is a number that is not negative."""
    with pytest.raises(ConfigError, match="--vlm-price"):
        Endpoint(URL, MODEL, price=price)


@pytest.mark.parametrize("price", ["", "1", "1,2,3", "cheap,dear"])
def test_a_price_has_two_numbers(price: str) -> None:
    """One for the question and one for the answer."""
    with pytest.raises(ConfigError, match="--vlm-price"):
        Endpoint.configured(URL, MODEL, price, {})


@pytest.mark.parametrize(("url", "model"), [(None, MODEL), (URL, None), (None, None)])
def test_half_an_endpoint_is_refused(url: str | None, model: str | None) -> None:
    """An address without a model, or a model without an address, is a mistake and not a wish."""
    with pytest.raises(ConfigError, match="--vlm-url and --vlm-model"):
        Endpoint.configured(url, model, "1,2", {})


def test_every_mistake_is_named_at_once() -> None:
    """Whoever mends the options need not try again for each."""
    with pytest.raises(ConfigError) as refusal:
        Endpoint("nowhere", "", SecretText("a b"), (-1, 0))
    assert len(refusal.value.problems) == 4
