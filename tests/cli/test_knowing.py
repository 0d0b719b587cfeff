"""Commands that ask no server: dry runs, estimates, models, profiles, completion."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from seedance_async.catalog import SPECS
from seedance_async.cli.demo import EXAMPLE
from tests.cli.helpers import KEY, invoke, write_lines

if TYPE_CHECKING:
    from pathlib import Path


def test_a_dry_run_shows_the_very_body(capsys: pytest.CaptureFixture[str]) -> None:
    """The documented example as options comes out as its documented body, with what it may cost."""
    image: dict[str, Any] = EXAMPLE["content"][1]["image_url"]
    words = ("--image", image["url"], "--ratio", "adaptive", "--duration", "4", "--no-watermark", "--dry-run")
    ran = invoke(capsys, "generate", EXAMPLE["content"][0]["text"], *words)
    assert ran.code == 0, ran.err
    record, total = ran.records
    assert record["body"] == EXAMPLE
    assert record["tokens"] == total["tokens"] > 0
    assert total["prompts"] == 1


def test_a_dry_run_folds_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A local picture is read and checked, and shown as its type and length."""
    picture = "seedance_async/demo/lantern.jpg"
    file = write_lines(tmp_path / "p.jsonl", {"key": "a", "prompt": "x"})
    ran = invoke(capsys, "batch", str(file), "--first-frame", picture, "--dry-run")
    url = ran.records[0]["body"]["content"][1]["image_url"]["url"]
    assert url.startswith("data:image/jpeg;base64,")
    assert url.endswith(" characters)")
    assert len(url) < 100


def test_the_estimate_of_a_file_is_the_sum_of_its_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tokens and money of all lines add up to the last object."""
    file = write_lines(tmp_path / "p.jsonl", {"key": "a", "prompt": "x", "duration": 4}, '"y"')
    *lines, total = invoke(capsys, "estimate", "--file", str(file), "--currency", "usd").records
    assert invoke(capsys, "estimate", str(file), "--currency", "usd").records == [*lines, total]
    assert next(line["key"] for line in lines) == "a"
    assert sum(line["tokens"] for line in lines) == total["tokens"]
    assert round(sum(float(line["price"]) for line in lines), 4) == float(total["price"])
    assert total["currency"] == "USD"


def test_an_unknown_price_is_not_taken_for_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """A model without a list price is counted as such, not as free."""
    ran = invoke(capsys, "estimate", "x", "--model", "ep-mine", "--text")
    assert "no price known" in ran.out
    assert "1 without a known price" in ran.out


def test_models_lists_the_catalog(capsys: pytest.CaptureFixture[str]) -> None:
    """Every model of the catalog is there with what it accepts."""
    records = invoke(capsys, "models").records
    assert [record["model"] for record in records] == list(SPECS)
    assert records[0]["max_duration"] == SPECS[records[0]["model"]].max_duration


def test_a_price_that_nobody_confirmed_is_marked(capsys: pytest.CaptureFixture[str]) -> None:
    """A guess or a reseller's price does not pass as a list price, in an estimate, its sum or the models."""
    words = ("x", "--currency", "usd", "--resolution", "480p", "--model")
    guess, total = invoke(capsys, "estimate", *words, "seedance-2-0-260128").records
    assert (guess["confirmed"], total["unconfirmed"]) == (False, 1)
    told = invoke(capsys, "estimate", *words, "seedance-2-0-260128", "--text").out
    assert f"USD {float(guess['price']):.2f}?" in told
    assert "1 by a price that no official page confirms" in " ".join(told.split())
    listed, total = invoke(capsys, "estimate", *words, "seedance-2-5-260628").records
    assert (listed["confirmed"], total["unconfirmed"]) == (True, 0)
    assert "?" not in invoke(capsys, "estimate", *words, "seedance-2-5-260628", "--text").out


def test_models_marks_unconfirmed_prices_and_tells_the_quota_at_4k(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the prices of 1.0-lite are guesses in yuan; 4k has a quota of its own, a fortieth of the usual."""
    monkeypatch.setenv("COLUMNS", "160")
    told = invoke(capsys, "models", "--currency", "cny", "--text").out
    assert [line.split()[0] for line in told.splitlines() if "10?" in line] == [
        "seedance-1-0-lite-t2v-250428",
        "seedance-1-0-lite-i2v-250428",
    ]
    assert "?: no official page confirms this price." in told
    assert "At 4k: seedance-2-0-260128, 15 creates a minute, 1 running." in told
    records = invoke(capsys, "models", "--currency", "cny").records
    assert {record["model"]: record["unconfirmed"] for record in records if record["unconfirmed"]} == {
        "seedance-1-0-lite-t2v-250428": ["10"],
        "seedance-1-0-lite-i2v-250428": ["10"],
    }


@pytest.mark.parametrize("columns", [40, 60, 80, 160])
def test_tables_fit_the_terminal(
    columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A narrow terminal gets fewer columns, not broken lines; model, length and sizes are always there."""
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = invoke(capsys, "models", "--text").out.splitlines()[:-1]
    assert max(map(len, lines)) <= max(columns, 64)
    assert lines[0].split()[:3] == ["model", "seconds", "resolutions"]
    assert ("flex" in lines[0]) == (columns == 160)


def profile(path: Path, text: str) -> str:
    """Write a file of profiles."""
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return str(path)


def body_of(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    """Give the body that a command would send."""
    ran = invoke(capsys, "generate", "x", "--dry-run", *words)
    assert ran.code == 0, ran.err
    body: dict[str, Any] = ran.records[0]["body"]
    return body


def test_options_beat_the_environment_which_beats_the_profile(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of the three sources fills in what the ones before it leave out."""
    file = profile(tmp_path / "c.toml", '[studio]\nratio = "1:1"\nduration = 8\nseed = 3\n')
    monkeypatch.setenv("SEEDANCE_DURATION", "6")
    monkeypatch.setenv("SEEDANCE_CONFIG", file)
    monkeypatch.setenv("SEEDANCE_PROFILE", "studio")
    body = body_of(capsys, "--ratio", "4:3")
    assert (body["ratio"], body["duration"], body["seed"]) == ("4:3", 6, 3)


def test_the_order_of_words_does_not_matter(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--profile may stand before --config."""
    file = profile(tmp_path / "c.toml", "[a]\nseed = 3\n")
    assert body_of(capsys, "--profile", "a", "--config", file)["seed"] == 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[a]\nresolutoin = '480p'\n", "did you mean resolution?"),
        ("[b]\nseed = 1\n", "has these profiles: b"),
        ("seed = ", "is not TOML"),
        (
            "seed = 1\n[a]\nduration = 4\n",
            "seed stands in no table, so no profile has it: put it below [default]",
        ),
    ],
)
def test_a_wrong_profile_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, words: str
) -> None:
    """A typing error in the file does not pass as a setting that does nothing."""
    file = profile(tmp_path / "c.toml", text)
    ran = invoke(capsys, "generate", "x", "--dry-run", "--config", file, "--profile", "a")
    assert ran.code == 2
    assert words in ran.err


def test_a_key_above_the_tables_is_not_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is refused there is named without its value, which may be the key."""
    file = profile(tmp_path / "c.toml", f'api_key = "{KEY}"\n')
    ran = invoke(capsys, "generate", "x", "--dry-run", "--config", file)
    assert ran.code == 2
    assert "api_key" in ran.err
    assert KEY not in ran.out + ran.err


def test_the_key_of_a_profile_opens_the_server_and_is_not_shown(
    server: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key in the file is used, is in no output, and a file that others can read is complained about."""
    file = tmp_path / "c.toml"
    profile(file, f'[a]\napi_key = "{KEY}"\nbase_url = "{server}"\n')
    monkeypatch.delenv("SEEDANCE_API_KEY")
    ran = invoke(capsys, "doctor", "--config", str(file), "--profile", "a", "--debug")
    assert ran.code == 0, ran.err
    assert {"check": "key", "ok": True, "detail": "found in the profile", "advice": None} in ran.records
    assert KEY not in ran.out + ran.err
    assert "chmod" not in ran.err
    file.chmod(0o644)
    assert "chmod 600" in invoke(capsys, "doctor", "--config", str(file), "--profile", "a").err


@pytest.mark.usefixtures("server")
def test_debug_ends_with_its_command(capsys: pytest.CaptureFixture[str]) -> None:
    """A program that runs commands in turn is not shown the depths of those that did not ask for it."""
    assert "RequestSent" in invoke(capsys, "list", "--debug").err
    assert "RequestSent" not in invoke(capsys, "list").err


def test_every_option_says_its_variable(capsys: pytest.CaptureFixture[str]) -> None:
    """The help of a command tells the environment variable of each setting."""
    text = " ".join(invoke(capsys, "generate", "--help").out.split())
    for name in ("SEEDANCE_MODEL", "SEEDANCE_GENERATE_AUDIO", "SEEDANCE_BASE_URL", "SEEDANCE_PROFILE"):
        assert f"[env var: {name}" in text


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each shell gets a script that asks the program itself."""
    assert "_SEEDANCE_COMPLETE" in invoke(capsys, "completion", shell).out


def test_json_is_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A prompt with a line break does not break the lines of the output."""
    ran = invoke(capsys, "generate", "one\ntwo \u2028 three", "--dry-run", "--json")
    assert [type(json.loads(line)) for line in ran.out.split("\n") if line] == [dict, dict]
