#!/usr/bin/env python3
"""Writes dashboards/*.json, which Grafana reads: one table of panels here instead of a thousand lines there.

usage: make_dashboards.py [FOLDER]    (default: dashboards beside this file)"""
import json
import pathlib
import sys

OURS = 'job=~"$job",instance=~"$instance"'
CLIENT = OURS + ',route!~"/health|/livez|/ready|/readyz|/metrics|/version|/v2/health/.*"'
ANSWERS = OURS + ',route=~"/predict|/predict/batch|/v1/route|/v1/tasks/.task./predict"'
LESSONS = OURS + ',route="/v1/tasks/{task}/examples"'
RATE = "[$__rate_interval]"


def quantiles(metric, matchers, shares=(0.5, 0.9, 0.99)):
    return [(f"histogram_quantile({share}, sum by (le) (rate({metric}_bucket{{{matchers}}}{RATE})))", f"p{share * 100:g}") for share in shares]


# A dashboard: title, then rows of (panel title, unit, [(query, legend)]).
BOARDS = {
    "service": ("ctt: service", [
        ("Ready instances", "short", [(f"sum(ctt_ready{{{OURS}}})", "ready"), (f"count(ctt_ready{{{OURS}}})", "all")]),
        ("Requests a second", "reqps", [(f"sum by (route) (rate(inference_requests_total{{{CLIENT}}}{RATE})) > 0", "{{route}}")]),
        ("Answers by status", "reqps", [(f"sum by (status) (rate(inference_requests_total{{{CLIENT}}}{RATE}))", "{{status}}")]),
        ("Time of a prediction", "s", quantiles("inference_duration_seconds", ANSWERS)),
        ("Requests a second by instance", "reqps", [('inference_requests_per_second{job=~"$job",instance=~"$instance"}', "{{instance}}")]),
        ("Server errors, share of an hour", "percentunit", [('ctt:requests:error_ratio_1h{job=~"$job"}', "5xx"), ('ctt:predictions:slow_ratio_1h{job=~"$job"}', "slower than 100 ms")]),
        ("Waiting to be encoded", "short", [(f"inference_queue_depth{{{OURS}}}", "texts {{instance}}"), (f"inference_queue_tokens{{{OURS}}}", "tokens {{instance}}")]),
        ("Turned away", "reqps", [(f"rate(inference_queue_rejected_total{{{OURS}}}{RATE})", "queue full {{instance}}"),
                                  (f"rate(inference_deadline_exceeded_total{{{OURS}}}{RATE})", "deadline {{instance}}"),
                                  (f'sum by (instance) (rate(inference_requests_total{{{OURS},status="429"}}{RATE}))', "429 {{instance}}")]),
        ("Tokens encoded a second", "short", [(f"rate(ctt_encode_tokens_total{{{OURS}}}{RATE})", "{{instance}}")]),
        ("Texts in a batch", "short", [(f"rate(ctt_encode_batch_texts_sum{{{OURS}}}{RATE}) / rate(ctt_encode_batch_texts_count{{{OURS}}}{RATE})", "mean {{instance}}")]),
        ("Time of an encoder pass", "s", quantiles("ctt_encode_duration_seconds", OURS, (0.5, 0.99))),
        ("CPU", "short", [(f"rate(process_cpu_seconds_total{{{OURS}}}{RATE})", "cores {{instance}}")]),
        ("Memory", "bytes", [(f"process_resident_memory_bytes{{{OURS}}}", "{{instance}}")]),
        ("Open files", "short", [(f"process_open_fds{{{OURS}}}", "{{instance}}")]),
        ("Loading the model, mean", "s", [('ctt:model_load_seconds:mean{job=~"$job"}', "{{instance}}")]),
    ]),
    "learning": ("ctt: learning", [
        ("Tasks", "short", [(f"max by (job) (ctt_tasks{{{OURS}}})", "tasks")]),
        ("Examples learned a second", "short", [(f"sum by (task) (rate(ctt_learned_examples_total{{{OURS}}}{RATE})) > 0", "{{task}}")]),
        ("Examples learned in 24 hours", "short", [(f"sum by (task) (increase(ctt_learned_examples_total{{{OURS}}}[24h]))", "{{task}}")]),
        ("Examples unlearned in 24 hours", "short", [(f"sum by (task) (increase(ctt_unlearned_examples_total{{{OURS}}}[24h]))", "{{task}}")]),
        ("From a lesson to its head being served", "s", quantiles("ctt_head_publish_duration_seconds", OURS, (0.5, 0.99))),
        ("Time of a learning call", "s", quantiles("inference_duration_seconds", LESSONS, (0.5, 0.99))),
        ("Choosing settings anew", "s", quantiles("ctt_settle_duration_seconds", OURS, (0.5, 0.99))),
        ("Answers by task", "reqps", [(f"sum by (task) (rate(ctt_predictions_total{{{OURS}}}{RATE}))", "{{task}}")]),
        ("Out of scope, share of an hour", "percentunit", [('ctt:predictions:out_of_scope_ratio_1h{job=~"$job"}', "{{task}}")]),
        ("Answered by a canary", "reqps", [(f"sum by (task) (rate(ctt_canary_predictions_total{{{OURS}}}{RATE}))", "{{task}}")]),
        ("Shadow: texts, and those it agrees on", "reqps", [(f"sum by (task) (rate(ctt_shadow_predictions_total{{{OURS}}}{RATE}))", "scored {{task}}"),
                                                            (f"sum by (task) (rate(ctt_shadow_agreements_total{{{OURS}}}{RATE}))", "agrees {{task}}")]),
        ("Heads that the gate kept back", "short", [(f"sum by (task) (increase(ctt_publish_refused_total{{{OURS}}}[24h]))", "{{task}}")]),
        ("Backups in 24 hours", "short", [(f'sum by (job) (increase(inference_requests_total{{{OURS},route="/v1/backup",status="200"}}[24h]))', "made")]),
    ]),
    "replicas": ("ctt: replicas", [
        ("Behind the log", "s", [(f"ctt_catalog_lag_seconds{{{OURS}}}", "{{instance}}")]),
        ("From a version elsewhere to its being served here", "s", quantiles("ctt_catalog_follow_seconds", OURS, (0.5, 0.99))),
        ("Database can be read", "short", [(f"ctt_database_up{{{OURS}}}", "{{instance}}")]),
        ("Up", "short", [('up{job=~"$job",instance=~"$instance"}', "{{instance}}")]),
        ("Requests a second", "reqps", [('inference_requests_per_second{job=~"$job",instance=~"$instance"}', "{{instance}}")]),
        ("Time of a prediction, p99", "s", [(f"histogram_quantile(0.99, sum by (instance, le) (rate(inference_duration_seconds_bucket{{{ANSWERS}}}{RATE})))", "{{instance}}")]),
        ("CPU", "short", [(f"rate(process_cpu_seconds_total{{{OURS}}}{RATE})", "cores {{instance}}")]),
        ("Memory", "bytes", [(f"process_resident_memory_bytes{{{OURS}}}", "{{instance}}")]),
        ("Tasks held", "short", [(f"ctt_tasks{{{OURS}}}", "{{instance}}")]),
        ("Age of the process", "s", [(f"time() - process_start_time_seconds{{{OURS}}}", "{{instance}}")]),
        ("Instruction set", "short", [(f"count by (engine, isa) (ctt_isa_info{{{OURS}}})", "{{engine}} {{isa}}"), (f"ctt_isa_fell_back{{{OURS}}}", "plain kernels {{instance}}")]),
        ("Version", "short", [(f"count by (version) (ctt_build_info{{{OURS}}})", "{{version}}")]),
    ]),
}
SOURCE = {"type": "prometheus", "uid": "prometheus"}


def variable(name, query):
    return {"name": name, "type": "query", "datasource": SOURCE, "query": {"query": query, "refId": name}, "refresh": 2,
            "includeAll": True, "multi": True, "allValue": ".*", "current": {"text": "All", "value": "$__all"}}


def panel(number, title, unit, targets):
    return {"id": number + 1, "type": "timeseries", "title": title, "datasource": SOURCE,
            "gridPos": {"x": number % 3 * 8, "y": number // 3 * 8, "w": 8, "h": 8},
            "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
            "options": {"legend": {"displayMode": "list", "placement": "bottom", "showLegend": True}, "tooltip": {"mode": "multi", "sort": "desc"}},
            "targets": [{"refId": chr(ord("A") + i), "datasource": SOURCE, "expr": query, "legendFormat": legend, "range": True}
                        for i, (query, legend) in enumerate(targets)]}


def board(uid, title, panels):
    return {"uid": f"ctt-{uid}", "title": title, "tags": ["ctt"], "schemaVersion": 39, "version": 1, "editable": True, "refresh": "30s",
            "time": {"from": "now-1h", "to": "now"}, "timezone": "browser", "annotations": {"list": []},
            "templating": {"list": [variable("job", "label_values(ctt_build_info, job)"),
                                    variable("instance", 'label_values(ctt_build_info{job=~"$job"}, instance)')]},
            "panels": [panel(number, *row) for number, row in enumerate(panels)]}


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "dashboards"
    folder.mkdir(parents=True, exist_ok=True)
    for uid, (title, panels) in BOARDS.items():
        (folder / f"{uid}.json").write_text(json.dumps(board(uid, title, panels), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
