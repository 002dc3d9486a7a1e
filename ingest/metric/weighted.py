def query(metric, limits, by): raise NotImplementedError
