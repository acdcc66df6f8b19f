"""The overview and the frame around it: what a visitor sees, on an empty store and on a full one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from streamlit.testing.v1 import AppTest

from core import overview
from core.errors import StoreDamaged, StoreFull
from core.jobs import queue
from core.judging import evaluations
from core.overview import LoopCounts, Step
from core.store import Store
from core.tables import (
    Adapter,
    AdapterStatus,
    DatasetStatus,
    Feedback,
    FeedbackKind,
    Import,
    ImportStatus,
    Interaction,
    InteractionKind,
    JobStatus,
    LabelChoice,
    Moment,
    PairLabel,
    PairOrigin,
    PairStatus,
    Plan,
    PreferencePair,
    RunEvaluation,
    RunPhase,
    RunStatus,
    Side,
    TrainingDataset,
    TrainingRun,
    TrainingType,
    new_id,
    now,
)
from core.triage import inbox
from pages.overview.latest import sentence
from pages.overview.needs import CATCH_UP, needs
from pages.overview.tiles import tiles
from pages.shared import frame, layout
from pages.train.run_list import VIEWS
from tests.pages.conftest import OpenPage

HOSTILE = "**b** <script>alert(1)</script> :red[x] :material/home: [l](http://evil.example) \u202egnp.exe"


def counts(**changes: Any) -> LoopCounts:
    nothing = Step(0, 0)
    steps = ("feedback", "triage", "evaluation", "pairs", "datasets", "runs", "adapters", "experiments")
    return LoopCounts(**(dict.fromkeys(steps, nothing) | {"interactions": 0, "pairs_mined": 0} | changes))


def pair(n: int, status: PairStatus) -> PreferencePair:
    preferred = Side.A if status is PairStatus.ACCEPTED else None
    return PreferencePair(
        agent_id="support",
        prompt="p",
        prompt_group=str(n),
        answer_a="a",
        answer_b="b",
        preferred=preferred,
        status=status,
        origin=PairOrigin.RATING,
        content_key=str(n),
    )


def trained(store: Store, *, status: RunStatus, name: str = "first") -> tuple[str, str]:
    """A frozen dataset and a run on it; returns both ids."""
    with store.write() as session:
        dataset = TrainingDataset(
            name=name, status=DatasetStatus.READY, total_examples=120, frozen_by="ada", frozen_at=now()
        )
        session.add(dataset)
        session.flush()
        run = TrainingRun(
            agent_id="support",
            dataset_id=dataset.id,
            training_type=TrainingType.DPO,
            status=status,
            phase=RunPhase.TRAINING if status is RunStatus.RUNNING else None,
            current_step=90,
            total_steps=200,
            progress_percentage=45,
            requested_by="ada",
        )
        session.add(run)
        session.flush()
        if status is RunStatus.RUNNING:
            job = queue.enqueue(session, "train", requested_by="ada", subject_id=run.id)
            job.status, job.done, job.total = JobStatus.RUNNING, 90, 200
        return str(dataset.id), str(run.id)


# The page


def test_an_empty_store_offers_the_two_ways_in(open_page: OpenPage) -> None:
    page = open_page()
    assert not page.exception
    assert page.title[0].value == "Overview"
    assert page.get_by_key("load_sample").label == "Load the sample workspace"
    if layout.exists("import"):
        assert page.get_by_key("import_data").label == "Import your data"


def workspace(monkeypatch: pytest.MonkeyPatch, load: Callable[..., object]) -> None:
    """Put ``load`` in the place of loading the sample, which has tests of its own."""
    monkeypatch.setitem(sys.modules, "core.workspace", SimpleNamespace(load_sample=load, bring_up=load))
    monkeypatch.setattr("core.workspace", sys.modules["core.workspace"], raising=False)


def test_loading_the_sample_fills_the_page(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(store: Store, settings: object, on_progress: Callable[[int, int], None]) -> None:
        with store.write() as session:
            session.add(Interaction(agent_id="a", prompt="p", response="r", prompt_key="k", source="sample"))
        on_progress(1, 1)

    workspace(monkeypatch, load)
    page = open_page()
    page.button(key="load_sample").click().run()
    assert not page.exception
    assert not page.error
    assert "load_sample" not in {button.key for button in page.button}
    assert [toast.value for toast in page.toast] == ["The sample workspace is loaded"]
    assert page.button(key=f"need_{CATCH_UP}").label == "Triage and judge what is new"


def test_a_sample_that_cannot_be_loaded_leaves_the_two_buttons(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(*_: object) -> None:
        raise StoreFull("The disk is full; nothing was stored.")

    workspace(monkeypatch, load)
    page = open_page()
    page.button(key="load_sample").click().run()
    assert "The disk is full" in page.error[0].value.replace("\\", "")
    assert page.button(key="load_sample").label == "Load the sample workspace"


def test_a_store_with_work_in_it_says_what_waits_and_what_happened(open_page: OpenPage, store: Store) -> None:
    with store.write() as session:
        session.add_all([pair(n, PairStatus.NEEDS_LABEL) for n in range(3)])
        session.add(Import(filename=HOSTILE, sha256="x", format="csv", accepted=812, imported_by=HOSTILE))
    page = open_page()
    assert not page.exception
    assert "load_sample" not in {button.key for button in page.button}
    shown = " ".join(caption.value for caption in page.caption)
    assert "one key each" in shown or not layout.exists("pairs")


def test_what_is_training_is_shown_on_the_page(open_page: OpenPage, store: Store) -> None:
    trained(store, status=RunStatus.RUNNING)
    page = open_page()
    assert not page.exception
    assert [bar.value for bar in page.get("progress")] == [45]


def test_the_local_name_can_be_changed_and_an_empty_one_is_refused(open_page: OpenPage) -> None:
    page = open_page()
    assert page.text_input[0].value == "ada"
    page.text_input[0].set_value("  ")
    next(button for button in page.button if button.label == "Use this name").click().run()
    assert "Give a name" in page.error[0].value
    page.text_input[0].set_value("grace")
    next(button for button in page.button if button.label == "Use this name").click().run()
    assert not page.error
    assert page.session_state["hone_local_name"] == "grace"


def test_t10_behind_a_proxy_a_request_without_its_user_sees_nothing(
    open_page: OpenPage, at_work: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_work.settings = at_work.settings.model_copy(update={"proxy_user_header": "X-Forwarded-User"})
    page = open_page()
    assert page.title[0].value == "No user was passed"
    assert not page.button


AUTH = {"redirect_uri": "http://localhost/oauth2callback", "cookie_secret": "x", "client_id": "c", "client_secret": "s"}


def test_t10_with_a_login_configured_nothing_is_shown_before_it(at_work: Any) -> None:
    app = AppTest.from_file(str(layout.ROOT / "app.py"), default_timeout=30)
    app.secrets["auth"] = AUTH | {"server_metadata_url": "https://login.example/.well-known/openid-configuration"}
    app.run()
    assert not app.exception
    assert [button.label for button in app.button] == ["Sign in"]
    assert app.title[0].value == "Hone"


def test_the_name_of_the_login_is_written_beside_labels(at_work: Any) -> None:
    app = AppTest.from_file(str(layout.ROOT / "app.py"), default_timeout=30)
    app.secrets["auth"] = AUTH | {"server_metadata_url": "https://login.example/.well-known/openid-configuration"}
    app.user = {"is_logged_in": True, "email": "grace@example.org"}
    app.run()
    assert not app.exception
    assert app.title[0].value == "Overview"
    assert [button.label for button in app.sidebar.button] == ["Sign out"]


def test_a_store_that_cannot_be_read_is_said_in_one_sentence(
    open_page: OpenPage, at_work: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged() -> None:
        raise StoreDamaged("The database file cannot be read.")

    monkeypatch.setattr(at_work.store, "read", damaged)
    page = open_page()
    assert page.title[0].value == "The store cannot be opened"
    assert page.text[0].value == "The database file cannot be read."


# The counts


def test_the_loop_is_counted_step_by_step(store: Store) -> None:
    _, run_id = trained(store, status=RunStatus.COMPLETED)
    long_ago = now() - timedelta(days=30)
    with store.write() as session:
        old, new = (
            Interaction(agent_id="a", prompt="p", response="r", prompt_key="k", source="t", created_at=at)
            for at in (long_ago, now())
        )
        session.add_all([old, new])
        session.flush()
        session.add_all(
            Feedback(kind=FeedbackKind.SITE_FORM, agent_id="a", comment=comment, source="t", created_at=at)
            for comment, at in (("slow", now()), (None, now()), ("fine", long_ago))
        )
        session.add_all([pair(1, PairStatus.ACCEPTED), pair(2, PairStatus.NEEDS_LABEL), pair(3, PairStatus.EXCLUDED)])
        session.add(adapter(run_id, AdapterStatus.CANDIDATE))
    with store.read() as session:
        found = overview.loop_counts(session)
        waiting = overview.waiting(session)
    assert found.feedback == Step(total=3, week=2, waiting=2)
    assert found.evaluation == Step(total=0, week=0, waiting=2)
    assert found.pairs == Step(total=1, week=1, waiting=1)
    assert found.datasets == Step(total=1, week=1, waiting=0)
    assert found.runs == Step(total=1, week=1, waiting=0)
    assert found.adapters == Step(total=1, week=1, waiting=1)
    assert (found.interactions, found.pairs_mined, found.empty) == (2, 3, False)
    assert waiting == {"triage": 0, "pairs": 1, "adapters": 1}


def adapter(run_id: str, status: AdapterStatus) -> Adapter:
    return Adapter(
        run_id=UUID(run_id),
        agent_id="support",
        version=1,
        base_model="demo",
        path="adapters/x",
        size_bytes=1,
        parameters=1,
        status=status,
        decided_at=now() if status is AdapterStatus.DEPLOYED else None,
        decided_by="ada",
    )


def test_what_waits_reaches_nothing_once_everything_is_read_and_judged(store: Store) -> None:
    """A superseded comment and a plan without widgets are nobody's work."""
    with store.write() as session:
        about: dict[str, Any] = {"agent_id": "a", "prompt": "p", "response": "r", "prompt_key": "k", "source": "t"}
        answer, plan = Interaction(**about), Interaction(**about, kind=InteractionKind.PLAN)
        session.add_all([answer, plan])
        session.flush()
        session.add(Plan(interaction_id=plan.id, widgets=[]))
        said: dict[str, Any] = {"kind": FeedbackKind.CHAT_MESSAGE, "agent_id": "a", "source": "t"}
        for comment, current in (("it was wrong", False), ("it is right", True)):
            session.add(Feedback(**said, interaction_id=answer.id, comment=comment, is_current=current))
    with store.read() as session:
        before = overview.loop_counts(session)
    assert (before.feedback, before.evaluation.waiting) == (Step(1, 1, waiting=1), 1)
    with store.write() as session:
        inbox.triage_new(session)
        evaluations.evaluate_new(session)
    with store.read() as session:
        after = overview.loop_counts(session)
    assert (after.feedback.waiting, after.evaluation.waiting) == (0, 0)


def test_an_empty_store_is_empty(store: Store) -> None:
    with store.read() as session:
        assert overview.loop_counts(session).empty
        assert overview.latest(session) == []
        assert overview.running(session) is None
        assert overview.held_out_gain(session) is None


def test_what_happened_comes_newest_first_and_once(store: Store) -> None:
    dataset_id, run_id = trained(store, status=RunStatus.COMPLETED)
    with store.write() as session:
        session.add(adapter(run_id, AdapterStatus.DEPLOYED))
        session.add(
            Import(
                filename="f.csv",
                sha256="x",
                format="csv",
                status=ImportStatus.PUBLISHED,
                imported_by="ada",
                created_at=now() - timedelta(days=1),
            )
        )
        labelled = pair(1, PairStatus.ACCEPTED)
        session.add(labelled)
        session.flush()
        session.add(
            PairLabel(pair_id=labelled.id, annotator="bo", choice=LabelChoice.A, left_side=Side.A, shown_ms=900)
        )
    with store.read() as session:
        events = overview.latest(session)
        releases = overview.releases(session, days=30)
    assert [event.kind for event in events][-1] == "import"
    assert {event.kind for event in events} == {"dataset", "run", "adapter", "import", "labels"}
    assert [event.at for event in events] == sorted((event.at for event in events), reverse=True)
    assert next(event for event in events if event.kind == "dataset").row_id == dataset_id
    assert [(release.agent_id, release.version) for release in releases] == [("support", 1)]


def test_a_file_that_was_not_taken_over_has_not_happened(store: Store) -> None:
    with store.write() as session:
        for status in (ImportStatus.CHECKED, ImportStatus.CANCELLED, ImportStatus.FAILED):
            session.add(Import(filename="f.csv", sha256="x", format="csv", status=status, imported_by="ada"))
    with store.read() as session:
        assert overview.latest(session) == []


@pytest.mark.parametrize(("phase", "words"), [(RunPhase.PAUSED, "is paused"), (None, "is interrupted")])
def test_a_run_that_stopped_says_whether_a_person_paused_it(store: Store, phase: RunPhase | None, words: str) -> None:
    _, run_id = trained(store, status=RunStatus.INTERRUPTED)
    with store.write() as session:
        session.get_one(TrainingRun, UUID(run_id)).phase = phase
    with store.read() as session:
        [event] = [event for event in overview.latest(session) if event.kind == "run"]
        assert overview.loop_counts(session).runs_stopped == 1
    assert words in sentence(event)


def test_the_gain_is_that_of_the_newest_run_measured_twice(store: Store) -> None:
    _, run_id = trained(store, status=RunStatus.COMPLETED)
    with store.write() as session:
        for moment, correct in ((Moment.BEFORE, 25), (Moment.AFTER, 40)):
            session.add(
                RunEvaluation(
                    run_id=UUID(run_id),
                    moment=moment,
                    split="held_out",
                    n=50,
                    correct=correct,
                    accuracy=correct / 50,
                    low=0.1,
                    high=0.9,
                    mean_margin=0.2,
                )
            )
    trained(store, status=RunStatus.FAILED, name="second")
    with store.read() as session:
        assert overview.held_out_gain(session) == overview.Gain(run_id, before=0.5, after=0.8, n=50)


# The words


def test_an_empty_loop_is_explained_rather_than_counted() -> None:
    drawn = tiles(counts(), min_pairs=50, job=None, gain=None)
    assert [tile.name for tile in drawn] == [
        "Feedback",
        "Triage",
        "Evaluations",
        "Pairs",
        "Datasets",
        "Runs",
        "Adapters",
        "Experiment",
    ]
    assert {tile.count for tile in drawn} == {None}
    assert [tile.page for tile in drawn][-1] is None
    assert not any(tile.calls for tile in drawn)


def test_the_steps_say_what_they_wait_for() -> None:
    full = counts(
        interactions=10,
        pairs_mined=40,
        feedback=Step(9, 2, waiting=1),
        triage=Step(8, 0, waiting=3),
        evaluation=Step(6, 0, waiting=4),
        pairs=Step(34, 5, waiting=6),
    )
    said = {tile.name: tile for tile in tiles(full, min_pairs=50, job=None, gain=None)}
    assert said["Feedback"].wait == "1 comment not triaged yet"
    assert said["Feedback"].week == "+2 this week"
    assert said["Triage"].wait == "3 to review"
    assert said["Evaluations"].wait == "4 answers not judged yet"
    assert said["Pairs"].wait == "34 of 50 until training · 6 more to label"
    assert said["Triage"].week == ""
    assert [name for name, tile in said.items() if tile.calls] == ["Triage", "Pairs"]


def test_a_gain_on_few_pairs_is_said_in_counts() -> None:
    done = counts(interactions=1, runs=Step(1, 0))
    few = overview.Gain("r", before=0.5, after=0.8, n=20)
    many = overview.Gain("r", before=0.52, after=0.81, n=100)
    words_of = {tile.name: tile.wait for tile in tiles(done, min_pairs=50, job=None, gain=few)}
    assert words_of["Runs"] == "held-out 10 → 16 of 20"
    words_of = {tile.name: tile.wait for tile in tiles(done, min_pairs=50, job=None, gain=many)}
    assert words_of["Runs"] == "held-out 52 % → 81 % (n = 100)"


def test_what_waits_comes_in_the_order_of_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "exists", lambda _name: True)
    full = counts(
        feedback=Step(5, 0, waiting=1),
        pairs=Step(60, 0, waiting=2),
        datasets=Step(1, 0, waiting=1),
        adapters=Step(1, 0, waiting=1),
        triage=Step(4, 0, waiting=4),
    )
    order = [need.to for need in needs(full, min_pairs=50, busy=False)]
    assert order == ["adapters", CATCH_UP, "runs", "pairs", "triage"]
    assert "runs" not in [need.to for need in needs(full, min_pairs=50, busy=True)]
    ready = counts(pairs=Step(50, 0))
    assert [need.label for need in needs(ready, min_pairs=50, busy=False)] == ["Freeze a dataset"]
    assert needs(counts(pairs=Step(49, 0)), min_pairs=50, busy=False) == []


def test_a_stopped_run_is_offered_to_go_on_beside_a_new_one() -> None:
    found = needs(counts(runs_stopped=1, datasets=Step(1, 0, waiting=1)), min_pairs=50, busy=False)
    assert [(need.label, need.query) for need in found] == [
        ("Resume 1 run", {"state": VIEWS["stopped"]}),
        ("Start training", {}),
    ]
    assert len({need.key for need in found}) == 2


@pytest.mark.parametrize("kind", ["import", "dataset", "run", "adapter", "labels"])
def test_t04_an_event_shows_foreign_names_letter_by_letter(kind: str) -> None:
    said = sentence(overview.Happening(kind, now(), HOSTILE, str(new_id()), count=2, state="deployed", by=HOSTILE))
    assert "<script>" not in said
    assert "[l](" not in said
    assert ":material/" not in said
    assert "\u202e" not in said


def test_the_menu_has_the_loops_order_and_only_pages_that_exist() -> None:
    named = [name for names in frame.MENU.values() for name in names]
    assert named == list(layout.PAGES)
    assert len({layout.url(name) for name in named}) == len(named)
    menu = frame._menu({"pairs": 1_234})
    assert all(entries for entries in menu.values())
