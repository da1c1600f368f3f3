"""Recordings replayed through the engine, and how well it did: one file a kind, each with `evaluate(folder) -> Report`.

Every kind goes through the engine the service runs, under the rules that ship, sample after sample and with no
look-ahead. What a file of recordings lacks and has to be made up for (a quiet baseline before a fire) is labelled as
synthetic in the report.
"""
