package appfile

import "strings"

// Others is the folder of a revision below which other repositories are, each in a folder of its
// own, for apps that come from there. Nothing lists it, and no hash of a folder covers it.
const Others = ".repositories"

// IsElsewhere reports whether the app's folder is in another repository.
func (a App) IsElsewhere() bool { return strings.HasPrefix(a.Path, Others+"/") }
