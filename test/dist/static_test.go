package dist

import (
	"debug/elf"
	"testing"
)

// libraries are the shared libraries that a program needs.
func libraries(t *testing.T, file string) []string {
	t.Helper()
	program, err := elf.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	for _, part := range program.Progs {
		if part.Type == elf.PT_INTERP {
			return []string{"an interpreter"}
		}
	}
	needs, err := program.ImportedLibraries()
	if err != nil {
		t.Fatal(err)
	}
	return needs
}
