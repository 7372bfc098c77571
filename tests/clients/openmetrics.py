"""Reads OpenMetrics from standard input with the parser of Prometheus' own client, and prints how many families there are."""

import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families

print(len(list(text_string_to_metric_families(sys.stdin.read()))))
