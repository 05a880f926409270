"""Splitting by subject, and the record itself."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.errors import BadData
from training.mocap import CMU_HELD_OUT, SMPL_JOINT_NAMES, SMPL_PARENTS, MocapPoses, split_by_subject


def people(**counts: int) -> MocapPoses:
    """Each subject's poses, told apart by a running number; `CMU_02=3` is 3 poses of CMU/02."""
    numbers = iter(range(10**6))
    return MocapPoses.concat(
        [
            MocapPoses.from_clip(
                np.array([np.full((22, 3), next(numbers)) for _ in range(count)]),
                name.replace("_", "/"),
                f"{name}.npz",
            )
            for name, count in counts.items()
        ]
    )


def numbers(poses: MocapPoses) -> set[int]:
    return set(poses.rotations[:, 0, 0].astype(int).tolist())


def test_the_skeleton_is_a_tree_in_order_with_sides_that_match() -> None:
    assert len(SMPL_JOINT_NAMES) == len(SMPL_PARENTS) == 22
    assert all(parent < joint for joint, parent in enumerate(SMPL_PARENTS))
    for joint, name in enumerate(SMPL_JOINT_NAMES):
        if name.startswith("left_"):
            other = SMPL_JOINT_NAMES.index(name.replace("left", "right"))
            parents = [SMPL_JOINT_NAMES[SMPL_PARENTS[j]] for j in (joint, other)]
            assert parents[0].replace("left", "right") == parents[1]


def test_matches_a_full_name_or_the_part_after_the_slash() -> None:
    poses = people(CMU_02=2, KIT_02=1, CMU_14=1, CMU_140=1, CMU_x=1)
    _, _, test = split_by_subject(poses, ["02"], validation=[])
    assert set(test.subjects) == {"CMU/02", "KIT/02"}
    _, _, test = split_by_subject(poses, ["CMU/02", "14"], validation=[])
    assert set(test.subjects) == {"CMU/02", "CMU/14"}


def test_held_out_wins_over_validation() -> None:
    training, validation, test = split_by_subject(people(CMU_1=1, CMU_2=1, CMU_3=1), ["1", "2"], ["2", "3", "1"][:1])
    assert (set(training.subjects), len(validation), set(test.subjects)) == ({"CMU/3"}, 0, {"CMU/1", "CMU/2"})


def test_cmu_test_subjects_are_the_default() -> None:
    poses = people(CMU_02=1, CMU_08=1, CMU_10=1, CMU_43=1, CMU_85=1, CMU_01=5, CMU_03=5)
    assert {s.split("/")[1] for s in split_by_subject(poses)[2].subjects} == set(CMU_HELD_OUT)


def test_a_subject_that_is_not_there_is_named(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        split_by_subject(people(CMU_1=1, CMU_2=1), ["7"], ["2"])
    (message,) = caplog.messages
    assert "7" in message and "2" not in message


def test_nobody_left_to_train_on_is_an_error() -> None:
    with pytest.raises(BadData, match="No subject is left to train on"):
        split_by_subject(people(CMU_1=1), ["1"])
    with pytest.raises(BadData, match="No subject is left to train on"):
        split_by_subject(people(CMU_1=1), [], validation=0.5)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(1, 20), min_size=3, max_size=12),
    st.floats(0, 0.6),
    st.integers(0, 100),
)
def test_every_pose_is_in_one_split_and_no_subject_in_two(counts: list[int], share: float, seed: int) -> None:
    poses = people(**{f"D_{number}": count for number, count in enumerate(counts)})
    splits = split_by_subject(poses, ["0"], validation=share, seed=seed)

    assert sum(len(split) for split in splits) == len(poses)
    assert set.union(*map(numbers, splits)) == set(range(len(poses)))
    subjects = [set(split.subjects) for split in splits]
    assert len(set.union(*subjects)) == sum(map(len, subjects))

    _, validation, test = splits
    assert len(test) == counts[0]
    assert (len(validation) > 0) == (share > 0)
    if len(subjects[1]) > 1:
        assert len(validation) <= share * (len(poses) - len(test))

    shuffled = poses.select(np.random.default_rng(seed).permutation(len(poses)))
    again = split_by_subject(shuffled, ["0"], validation=share, seed=seed)
    assert [numbers(split) for split in again] == [numbers(split) for split in splits]


def test_the_record_refuses_arrays_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match=r"\(N, J, 3\)"):
        MocapPoses.from_clip(np.zeros((4, 22)), "CMU/1", "a.npz")
    with pytest.raises(ValueError, match="each of the 4 poses"):
        MocapPoses(np.zeros((4, 22, 3)), np.array(["CMU/1"], dtype=object), np.array(["a"] * 4, dtype=object))
