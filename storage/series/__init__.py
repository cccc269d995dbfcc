"""Time series of every metric and signal: a projection of the journal, rebuilt from it when lost.

`store.SeriesStore` is the way in; `influx.InfluxExporter` sends what is stored to an InfluxDB or VictoriaMetrics.
"""
