package manifest

// Remedy is a way past a problem that the server offers to those who ask for it. It is a
// value: each door spells it for its own users, as a push option or as a verb's flag. The
// zero Remedy is none.
type Remedy struct {
	Kind      RemedyKind
	Deletions int // how many deletions there are to confirm; only of RemedyConfirmPrune
}

// RemedyKind says which of the ways it is; "" is none.
type RemedyKind string

// The kinds of remedies.
const (
	RemedyForce         RemedyKind = "force"           // delete the object and recreate it
	RemedyForceWithData RemedyKind = "force-with-data" // the same for an object that holds others, or data
	RemedyConfirmPrune  RemedyKind = "confirm-prune"   // confirm the number of deletions
	RemedyPlainSecrets  RemedyKind = "plain-secrets"   // store Secrets that are not encrypted
	RemedySkip          RemedyKind = "skip"            // store the commit without deploying it
)
