"""How a file's plan and result look."""

from collections import Counter

from mayhouse_cli.commands.amounts import brief, eth, plural
from mayhouse_cli.money import format_inr
from mayhouse_cli.operations.bulk_results import BulkResult
from mayhouse_cli.operations.bulk_rows import BulkPlan
from mayhouse_cli.render import Block, Line, Table, dim, good


def plan_blocks(plan: BulkPlan, noun: str) -> list[Block]:
    """Show how many are made and what they cost together."""
    head = f"{plan.source}   {plural(len(plan.listed), 'row')}"
    rows = [["to make", plural(len(plan.items), noun)]]
    if plan.earlier:
        states = Counter(one.status.value for one in plan.earlier.values())
        told = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
        rows.append(["by earlier runs", told])
    if plan.spending is not None:
        inr = plan.spending.value_inr
        rows.append(["value", eth(plan.spending.value)])
        rows.append(["", format_inr(inr) if inr is not None else ""])
        rows.append(["gas at most", brief(plan.spending.most_fee)])
    return [Line(head, "bold"), Table(rows, indent=2)]


def result_blocks(result: BulkResult, noun: str) -> list[Block]:
    """Say what became of the rows, the failed ones by their lines."""
    if result.result_file is None:
        return [dim("  Dry run: nothing was signed.")]
    made = result.confirmed - result.confirmed_before
    blocks: list[Block] = [
        good(f"{plural(made, noun)} made · {eth(result.value_wei)} · fees {brief(result.fee_wei)}")
    ]
    if result.confirmed_before:
        blocks.append(dim(f"  {result.confirmed_before} made before, by other runs"))
    if result.sent:
        blocks.append(Line(f"  {result.sent} sent, not confirmed yet", "yellow"))
    blocks.append(Line(f"  {result.result_file}"))
    return blocks
