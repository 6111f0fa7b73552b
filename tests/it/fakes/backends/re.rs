//! A small backtracking regular expression, enough for what tests ask: alternation, groups, sets, `\d \w \s \b`, anchors, `* + ? {m,n}`, `(?i)`.

#[derive(Debug, Clone)]
enum Node {
    Char(char),
    Any,
    Set(bool, Vec<(char, char)>),
    Start,
    End,
    Edge(bool),
    Group(Vec<Vec<Piece>>),
}

#[derive(Debug, Clone)]
struct Piece {
    node: Node,
    min: usize,
    max: usize,
}

#[derive(Debug, Clone)]
pub struct Re {
    root: Vec<Vec<Piece>>,
    fold: bool,
}

impl Re {
    pub fn new(pattern: &str) -> Result<Self, String> {
        let stripped = pattern.strip_prefix("(?i)");
        let chars: Vec<char> = stripped.unwrap_or(pattern).chars().collect();
        let mut parser = Parser { chars, at: 0 };
        let root = parser.alternatives()?;
        if parser.at < parser.chars.len() {
            return Err(format!("unexpected ): `{pattern}`"));
        }
        Ok(Self { root, fold: stripped.is_some() })
    }

    /// Case does not matter.
    pub fn folded(pattern: &str) -> Result<Self, String> {
        Self::new(pattern).map(|re| Self { fold: true, ..re })
    }

    pub fn is_match(&self, text: &str) -> bool {
        let chars: Vec<char> = text.chars().collect();
        (0..=chars.len()).any(|from| self.alternatives(&self.root, &chars, from, &mut |_| true))
    }

    /// The whole text, as label matchers of Prometheus and Loki want it.
    pub fn is_full(&self, text: &str) -> bool {
        let chars: Vec<char> = text.chars().collect();
        self.alternatives(&self.root, &chars, 0, &mut |end| end == chars.len())
    }

    fn alternatives(&self, all: &[Vec<Piece>], text: &[char], at: usize, then: &mut dyn FnMut(usize) -> bool) -> bool {
        all.iter().any(|one| self.sequence(one, text, at, then))
    }

    fn sequence(&self, pieces: &[Piece], text: &[char], at: usize, then: &mut dyn FnMut(usize) -> bool) -> bool {
        match pieces.split_first() {
            None => then(at),
            Some((piece, rest)) => self.repeat(piece, rest, 0, text, at, then),
        }
    }

    fn repeat(&self, piece: &Piece, rest: &[Piece], done: usize, text: &[char], at: usize, then: &mut dyn FnMut(usize) -> bool) -> bool {
        if done < piece.max {
            let mut more = |next: usize| (next > at || done < piece.min) && self.repeat(piece, rest, done + 1, text, next, then);
            if self.node(&piece.node, text, at, &mut more) {
                return true;
            }
        }
        done >= piece.min && self.sequence(rest, text, at, then)
    }

    fn node(&self, node: &Node, text: &[char], at: usize, then: &mut dyn FnMut(usize) -> bool) -> bool {
        let word = |index: Option<usize>| index.and_then(|index| text.get(index)).is_some_and(|c| c.is_alphanumeric() || *c == '_');
        let fits = match (node, text.get(at)) {
            (Node::Group(all), _) => return self.alternatives(all, text, at, then),
            (Node::Start, _) => return at == 0 && then(at),
            (Node::End, _) => return at == text.len() && then(at),
            (Node::Edge(yes), _) => return (word(at.checked_sub(1)) != word(Some(at))) == *yes && then(at),
            (_, None) => false,
            (Node::Any, Some(c)) => *c != '\n',
            (Node::Char(wanted), Some(c)) => wanted == c || (self.fold && wanted.to_lowercase().eq(c.to_lowercase())),
            (Node::Set(not, ranges), Some(c)) => {
                let within = |c: char| ranges.iter().any(|(low, high)| (*low..=*high).contains(&c));
                (within(*c) || (self.fold && (c.to_lowercase().any(within) || c.to_uppercase().any(within)))) != *not
            }
        };
        fits && then(at + 1)
    }
}

struct Parser {
    chars: Vec<char>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn eat(&mut self, wanted: char) -> bool {
        let yes = self.peek() == Some(wanted);
        self.at += usize::from(yes);
        yes
    }

    fn next(&mut self) -> Result<char, String> {
        let c = self.peek().ok_or("trailing backslash or missing closing character")?;
        self.at += 1;
        Ok(c)
    }

    fn alternatives(&mut self) -> Result<Vec<Vec<Piece>>, String> {
        let mut all = vec![Vec::new()];
        while let Some(c) = self.peek() {
            match c {
                ')' => break,
                '|' => {
                    self.at += 1;
                    all.push(Vec::new());
                }
                _ => {
                    let node = self.one()?;
                    let (min, max) = self.count()?;
                    if let Some(last) = all.last_mut() {
                        last.push(Piece { node, min, max });
                    }
                }
            }
        }
        Ok(all)
    }

    fn one(&mut self) -> Result<Node, String> {
        Ok(match self.next()? {
            '.' => Node::Any,
            '^' => Node::Start,
            '$' => Node::End,
            '[' => self.set()?,
            '(' => {
                if self.eat('?') {
                    if self.eat('P') || self.eat('<') {
                        while self.next()? != '>' {}
                    } else if !self.eat(':') {
                        return Err("invalid or unsupported Perl syntax: `(?`".to_owned());
                    }
                }
                let all = self.alternatives()?;
                if !self.eat(')') {
                    return Err("missing closing )".to_owned());
                }
                Node::Group(all)
            }
            '\\' => match self.next()? {
                'b' => Node::Edge(true),
                'B' => Node::Edge(false),
                c => class(c).map_or_else(|| Node::Char(escaped(c)), |(not, ranges)| Node::Set(not, ranges)),
            },
            c @ ('*' | '+' | '?') => return Err(format!("missing argument to repetition operator: `{c}`")),
            c => Node::Char(c),
        })
    }

    fn count(&mut self) -> Result<(usize, usize), String> {
        let counts = match self.peek() {
            Some('*') => (0, usize::MAX),
            Some('+') => (1, usize::MAX),
            Some('?') => (0, 1),
            Some('{') => {
                let inner: String = self.chars.iter().skip(self.at + 1).take_while(|c| **c != '}').collect();
                let (low, high) = inner.split_once(',').map_or((inner.as_str(), None), |(low, high)| (low, Some(high)));
                let Ok(min) = low.parse() else { return Err(format!("invalid repeat count: `{{{inner}}}`")) };
                self.at += inner.chars().count() + 1;
                (min, high.map_or(min, |high| high.parse().unwrap_or(usize::MAX)))
            }
            _ => return Ok((1, 1)),
        };
        self.at += 1;
        self.eat('?');
        Ok(counts)
    }

    fn set(&mut self) -> Result<Node, String> {
        let not = self.eat('^');
        let mut ranges = Vec::new();
        loop {
            let c = self.next().map_err(|_| "missing closing ]")?;
            if c == ']' && !ranges.is_empty() {
                return Ok(Node::Set(not, ranges));
            }
            let low = if c == '\\' {
                let c = self.next()?;
                if let Some((_, inner)) = class(c) {
                    ranges.extend(inner);
                    continue;
                }
                escaped(c)
            } else {
                c
            };
            let ranged = self.peek() == Some('-') && self.chars.get(self.at + 1).is_some_and(|c| *c != ']');
            let high = if ranged {
                self.at += 1;
                self.next()?
            } else {
                low
            };
            ranges.push((low, high));
        }
    }
}

fn escaped(c: char) -> char {
    match c {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        c => c,
    }
}

fn class(c: char) -> Option<(bool, Vec<(char, char)>)> {
    let ranges = match c.to_ascii_lowercase() {
        'd' => vec![('0', '9')],
        'w' => vec![('a', 'z'), ('A', 'Z'), ('0', '9'), ('_', '_')],
        's' => vec![(' ', ' '), ('\t', '\r')],
        _ => return None,
    };
    Some((c.is_ascii_uppercase(), ranges))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_like_the_known_engines() {
        let yes = |pattern: &str, text: &str| Re::new(pattern).unwrap().is_match(text);
        assert!(yes("time(d )?out|refused", "connection refused"));
        assert!(yes(r"^\d{3} [A-Z]+\b", "500 ERROR!"));
        assert!(!yes(r"^\d{4}", "500"));
        assert!(yes("(?i)error", "An ERROR"));
        assert!(yes("a[^b-d]+e", "axxe") && !yes("^a[^b-d]+e", "abe"));
        assert!(yes("(a*)*b", "aab") && yes("x{2,}", "xxx") && !yes("^x{2}$", "xxx"));
        assert!(Re::new("x|y").unwrap().is_full("y") && !Re::new("x|y").unwrap().is_full("yy"));
        assert!(Re::new("a(").is_err() && Re::new("*a").is_err() && Re::new("[a").is_err() && Re::new("a)").is_err());
    }
}
