#include "report/plot.h"

/* The picture brings its own ground, so that it reads on any page, light or dark. */
const char fnas_plot_style[] =
    ".fp-ground{fill:#fff;stroke:#d5dae1}.fp-ink{fill:#1b2230}.fp-muted{fill:#5b6675}.fp-grid{stroke:#e6e9ee}"
    ".fp-axis{stroke:#9aa3af}.fp-area{fill:#1769c4;fill-opacity:.07}.fp-stair{fill:none;stroke:#1769c4;stroke-width:1.8;stroke-linejoin:"
    "round}"
    ".fp-front{fill:#1769c4;stroke:#fff;stroke-width:1.2}.fp-check{fill:#fff;fill-opacity:0;stroke:#c4500f;stroke-width:1.7}"
    ".fp-link{stroke:#c4500f;stroke-opacity:.55;stroke-width:1.2}"
    ".fp-m0{fill:#1769c4}.fp-m1{fill:#c4500f}.fp-m2{fill:#8a8f98}.fp-m3{fill:#2b8a57}.fp-m4{fill:#8b5cc7}"
    ".fp-text{font:13px system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica "
    "Neue',Arial,sans-serif}.fp-title{font-weight:600;font-size:14px}"
    ".fp-tick{font-size:12px;font-variant-numeric:tabular-nums}.fp-middle{text-anchor:middle}.fp-end{text-anchor:end}"
    "@media(prefers-color-scheme:dark){.fp-ground{fill:#151a22;stroke:#2c3440}.fp-ink{fill:#e8ecf2}.fp-muted{fill:#9aa5b4}.fp-grid{stroke:#"
    "262d38}"
    ".fp-axis{stroke:#5b6675}.fp-area{fill:#62a8f5;fill-opacity:.1}.fp-stair{stroke:#62a8f5}.fp-front{fill:#62a8f5;stroke:#151a22}"
    ".fp-check{stroke:#f59a58}.fp-link{stroke:#f59a58}"
    ".fp-m0{fill:#62a8f5}.fp-m1{fill:#f59a58}.fp-m2{fill:#8d96a3}.fp-m3{fill:#63c493}.fp-m4{fill:#bb9af0}}";
