"""Explain what is there: a run's folder or an `Audit` goes in, one page comes out that needs nothing but itself.

`gather.gather_report` collects a run as plain values (`ReportData`), `render` turns them into text; `audit_page` and
`audit_files` write an audit down, without PyTorch. Nothing is asserted that is not computed.
"""
