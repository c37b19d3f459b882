package manifest

// Remedy is a way past a problem that the server offers to those who ask for it. It is a
// value: each door spells it for its own users, as a push option or as a verb's flag. The
// zero Remedy is none.
type Remedy struct {
	Kind      RemedyKind
	Deletions int // how many deletions there are to confirm; only of RemedyConfirmPrune
	// When is when to ask again, such as "when the registry answers", and whatever else
	// follows; "" for at once. Only of RemedyAgain and RemedyAgainOrSkip.
	When string
}

// RemedyKind says which of the ways it is; "" is none.
type RemedyKind string

// The kinds of remedies.
const (
	RemedyAgain         RemedyKind = "again"           // ask for the same again
	RemedyAgainOrSkip   RemedyKind = "again-or-skip"   // the same, or store the commit without deploying it
	RemedyForce         RemedyKind = "force"           // delete the object and recreate it
	RemedyForceWithData RemedyKind = "force-with-data" // the same for an object that holds others, or data
	RemedyConfirmPrune  RemedyKind = "confirm-prune"   // confirm the number of deletions
	RemedyPlainSecrets  RemedyKind = "plain-secrets"   // store Secrets that are not encrypted
	RemedyOverride      RemedyKind = "override"        // deploy although a window is closed, and say why
	// RemedyRepository is for paths that lead out of a folder: in a Git repository, the
	// files above a folder are read, too. It takes the place of the problem's hint.
	RemedyRepository RemedyKind = "repository"
)

// Again is the remedy of asking for the same again, when something is so.
func Again(when string) Remedy { return Remedy{Kind: RemedyAgain, When: when} }
