package record

// Stage is a part of a deploy, from when to when.
type Stage struct {
	Name    string  `json:"name"`    // see ARCHITECTURE.md, The stages of an attempt
	At      float64 `json:"at"`      // seconds after the deploy began
	Seconds float64 `json:"seconds"` // how long it took
	Waits   []Wait  `json:"waits,omitempty"`
}

// Wait is a wait within a stage.
type Wait struct {
	For     string  `json:"for"`     // "Deployment shop/web"
	At      float64 `json:"at"`      // seconds after the deploy began
	Seconds float64 `json:"seconds"` // how long it took
}
