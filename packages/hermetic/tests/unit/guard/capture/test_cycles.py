"""
Cycles in a graph of waits.
"""

from hermetic.guard.capture.cycles import cycles
from hypothesis import given
from hypothesis import strategies as st

NODES = st.sampled_from("abcdef")


def test_cycles_begin_with_their_least_name():
    """
    The same deadlock reads the same wherever the walk began.
    """
    assert cycles({"c": ["a"], "a": ["b"], "b": ["c"]}) == (("a", "b", "c"),)
    assert cycles({"x": ["x"]}) == (("x",),)
    assert cycles({"a": ["b"], "b": []}) == ()


@given(st.dictionaries(NODES, st.lists(NODES, max_size=3)))
def test_a_graph_has_a_result_exactly_when_it_has_a_cycle(graph):
    """
    Every reported cycle is one in the graph, and an acyclic graph has none.
    """
    found = cycles(graph)

    for cycle in found:
        for index, name in enumerate(cycle):
            assert cycle[(index + 1) % len(cycle)] in graph[name]
    assert bool(found) == any(reaches(graph, node, node) for node in graph)


def reaches(graph, start, goal):
    seen, queue = set(), list(graph.get(start, ()))
    while queue:
        node = queue.pop()
        if node == goal:
            return True
        if node not in seen:
            seen.add(node)
            queue += graph.get(node, ())
    return False


def test_a_chain_of_thousands_does_not_overflow():
    """
    Deep chains of tasks are walked without recursion.
    """
    chain = {str(number): [str(number + 1)] for number in range(20_000)}
    chain["20000"] = ["0"]

    assert len(cycles(chain)[0]) == 20_001
