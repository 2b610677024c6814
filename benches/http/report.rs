//! The figures of a run, as rows of a Markdown table.

/// The rounds of one measurement.
#[derive(Default)]
pub struct Rounds(Vec<f64>);

impl Rounds {
    pub fn add(&mut self, figure: f64) {
        self.0.push(figure);
    }

    pub fn median(&self) -> f64 {
        let mut figures = self.0.clone();
        figures.sort_by(f64::total_cmp);
        figures[figures.len() / 2]
    }

    fn range(&self) -> (f64, f64) {
        let least = self.0.iter().copied().fold(f64::INFINITY, f64::min);
        (least, self.0.iter().copied().fold(0.0, f64::max))
    }
}

/// The bound of a figure or a ratio.
#[derive(Clone, Copy)]
pub enum Floor {
    AtLeast(f64),
    AtMost(f64),
}

impl Floor {
    fn verdict(self, figure: f64) -> &'static str {
        let is_reached = match self {
            Self::AtLeast(least) => figure >= least,
            Self::AtMost(most) => figure <= most,
        };
        if is_reached { "reached" } else { "missed" }
    }
}

pub fn print_head() {
    println!("| measurement | mockaa | beside it | ratio (range) | floor | |");
    println!("| --- | --- | --- | --- | --- | --- |");
}

/// Prints the comparison of two sides. The ratio is the median of the rounds.
pub fn print_ratio(name: &str, unit: &str, [mockaa, other]: [&Rounds; 2], floor: Floor) {
    let mut ratios = Rounds::default();
    for (one, two) in mockaa.0.iter().zip(&other.0) {
        ratios.add(one / two);
    }
    let ((least, most), ratio) = (ratios.range(), ratios.median());
    let (one, two) = (mockaa.median(), other.median());
    let (Floor::AtLeast(bound) | Floor::AtMost(bound)) = floor;
    let verdict = floor.verdict(ratio);
    let digits = if one < 100.0 { 2 } else { 0 };
    println!(
        "| {name} | {one:.digits$} {unit} | {two:.digits$} {unit} | {ratio:.2} ({least:.2} to {most:.2}) | {bound} | {verdict} |"
    );
}

/// Prints a figure that stands alone: the median of the rounds.
pub fn print_figure(name: &str, unit: &str, rounds: &Rounds, floor: Floor) {
    let (figure, (least, most)) = (rounds.median(), rounds.range());
    let (Floor::AtLeast(bound) | Floor::AtMost(bound)) = floor;
    let verdict = floor.verdict(figure);
    let digits = usize::from(figure < 100.0);
    println!(
        "| {name} | {figure:.digits$} {unit} ({least:.digits$} to {most:.digits$}) | | | {bound} {unit} | {verdict} |"
    );
}
