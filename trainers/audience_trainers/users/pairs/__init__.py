"""Forecastable pairs (FIND 4.1): who a user was up to t1, and a sentence about what the user does from t1 to t2.

windows.py   cut times and splits      families.py, values.py   channel -> template family, value -> words of a sentence
futures.py, find.py   facts of windows   templates.py, describe.py   facts -> sentences   build.py   source -> Pairs
"""
