"""What every page uses.

    from pages.shared import charts, context, layout, words
    from pages.shared.literal import escape_label, literal

context: store, settings, jobs, who I am, actions · layout: header, empty state, filters, paging ·
literal: foreign text · words: counts, shares, times · charts: every chart · frame: run by app.py alone.
"""
