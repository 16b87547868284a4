"""Each operation with each fault, through both transports. tests/faults/run runs single cells."""
import dataclasses
import random
import sys
import unittest

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from faults import table
from support.fault_matrix import SCENARIOS, Cell, Matrix, run_matrix
from support.harness import SANITIZE, TestCase, seeded_random


class FaultMatrix(TestCase):
    def test_every_cell_ends_as_the_table_says(self):
        chances, cells = seeded_random(), table.cells()
        if SANITIZE:  # many short runs, each of which takes several times as long
            cells = chances.sample(cells, len(cells) // 4)
        wrong = run_matrix(self.dir, cells, chances.randrange(2**32))
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))

    def test_the_table_is_complete(self):
        pairs = set(table.cells_of(table.ROWS, table.FAULTS))
        self.assertEqual(set(table.SENSELESS) - pairs, set(), "pairs that name no row or no fault")
        self.assertEqual(set(table.ENDS) - set(table.cells()), set(), "ends without a cell")
        self.assertEqual(set(SCENARIOS), set(table.ROWS))

    def test_a_wrong_cell_is_noticed(self):
        """The checks can fail: on another end, and on a fault that does not happen."""
        with Matrix(self.dir, random.randrange(2**32)) as matrix:
            cell = Cell(matrix, 1, table.PUT, "412", "direct")
            cell.end = table.End("a wrong expectation")
            self.assertRegex("\n".join(cell.run().wrong), "exit status 1, not 0(.|\n)*the journal has")
            cell = Cell(matrix, 2, table.PUT, "500", "direct")
            cell.scenario = dataclasses.replace(cell.scenario, skip=2)
            self.assertIn("the fault was injected 0 times, not 2", cell.run().wrong)


if __name__ == "__main__":
    unittest.main()
