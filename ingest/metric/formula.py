from sqlglot import exp
def read(text, table): raise NotImplementedError
