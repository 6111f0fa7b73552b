//! No parser may panic or hang, whatever it gets: every prefix, and every text with one character exchanged.

use super::{infix, logql, re, words};

#[test]
fn parsers_survive_broken_texts() {
    let texts = [
        r#"sum by (a) (count_over_time({a="b",c=~"x|y"} |= "é" !~ `z\d` | json | d="\"e" [1m]))"#,
        r#"a:="b c" AND (d OR -e:>5) _time:[2024-01-01, 2024-02-01) in(x,"y") {s="t"} f:~"r+" ü* !g"#,
        r#"a.b = 'c' AND (d IN ('x', "y") OR NOT e EXISTS) f BETWEEN 1 AND 2 ~ 'é' && `q` =~ 5ms"#,
        r"^(?:a|b+)*[^c-d\w]{2,3}\b(?P<n>x?)$",
    ];
    for text in texts {
        let chars: Vec<char> = text.chars().collect();
        for at in 0..chars.len() {
            for other in ['(', ')', '"', '\\', '{', '[', ':', '|', ' ', 'é', '*'] {
                let mut broken = chars.clone();
                broken[at] = other;
                for text in [broken.iter().collect::<String>(), chars[..at].iter().collect()] {
                    let _ = logql::parse(&text);
                    let _ = infix::parse(&text, infix::Style::SigNoz);
                    let _ = infix::parse(&text, infix::Style::TraceQl);
                    for (or, fold, logsql) in [(true, false, false), (false, true, true)] {
                        let _ = words::parse(&text, words::Style { or, fold, logsql });
                    }
                    let _ = re::Re::new(&text).map(|re| re.is_match("aab é"));
                }
            }
        }
    }
}
