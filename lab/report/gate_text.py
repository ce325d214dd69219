"""Findings in words: what every output of the gate says."""

from __future__ import annotations

from lab.model import units
from lab.model.units import MISSING
from lab.report import ratio_words
from lab.results.gate.judgement import Finding, Judgement, Outcome
from lab.results.gate.policy import UNITS, Rule


def figure(rule: Rule, value: float | None) -> str:
    """A figure in the rule's unit, for people."""
    if value is None:
        return MISSING
    match UNITS[rule.metric]:
        case "seconds":
            return units.seconds(value)
        case "bytes":
            return units.size(round(value))
        case "share":
            return f"{value * 100:.2f} %"
        case "plain":
            said = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
            return f"{said} {'op/s' if rule.unit == 'throughput' else rule.unit}"


def change(rule: Rule, value: float | None) -> str:
    """A change in the terms of the rule: per cent, a difference, or the figure itself."""
    if value is None:
        return MISSING
    if rule.kind == "relative":
        return ratio_words.signed(value)
    if rule.kind == "limit":
        return figure(rule, value)
    if UNITS[rule.metric] == "share":
        return f"{value * 100:+.2f} points"
    said = figure(rule, abs(value))
    return f"{'-' if value < 0 else '+'}{said}"


def allowed(rule: Rule) -> str:
    """What the rule allows: ``wall at most +12.0 %``, ``coverage at least -0.50 points``."""
    sign = -1 if rule.more_is_better else 1
    bound = {"relative": 1 + sign * rule.amount, "absolute": sign * rule.amount}
    side = "at least" if rule.more_is_better else "at most"
    return f"{rule.metric} {side} {change(rule, bound.get(rule.kind, rule.amount))}"


def measured(finding: Finding) -> str:
    """What was found: ``+22.3 % (21.0 % to 24.1 %, n=10)``; empty where nothing was."""
    if finding.change is None:
        return ""
    rule = finding.rule
    said = change(rule, finding.change)
    if finding.interval is None:
        return f"{said} (n={finding.count}, no interval)"
    low, high = (change(rule, end) for end in finding.interval)
    held = "" if low == high else f"{low} to {high}, "
    how = "" if finding.method is None else f", {finding.method}"
    return f"{said} ({held}n={finding.count}{how})"


def sentence(finding: Finding) -> str:
    """A finding on one line."""
    parts = [f"{finding.subject}: {finding.outcome}"]
    if found := measured(finding):
        parts.append(f"{finding.rule.metric} {found}, {allowed(finding.rule)}")
    if finding.reason:
        parts.append(finding.reason)
    return "; ".join(parts)


def headline(judgement: Judgement) -> str:
    """The answer on one line."""
    counts = {
        outcome: sum(one.outcome is outcome for one in judgement.findings) for outcome in Outcome
    }
    said = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
    text = f"gate {judgement.policy.name}: {judgement.outcome} ({said or 'nothing to judge'})"
    if judgement.findings_outcome is not judgement.outcome:
        text += f"; the policy counts cannot tell as {judgement.outcome}"
    return text


def next_step(judgement: Judgement) -> str:
    """What a gate that cannot tell would need."""
    steps = list(dict.fromkeys(one.remedy for one in judgement.findings if one.remedy))
    if missing := judgement.unmeasured:
        steps.append(
            f"name by --baseline and --candidate what measures {', '.join(missing)}, or take "
            f"{'that rule' if len(missing) == 1 else 'those rules'} out of the policy"
        )
    if any(one.outcome == "cannot tell" and one.count for one in judgement.findings):
        steps.append("measure more rounds")
    policy = "say in the policy how that counts (cannot_tell:)"
    return "; or ".join(["; ".join(steps), policy]) if steps else policy
