"""The Go texts that generated projects are made of."""

MODULE = "lab.example/app"
DEPENDENCY = "lab.example/dep"

GO_MOD = f"""\
module {MODULE}

go 1.21

require {DEPENDENCY} v0.0.0

replace {DEPENDENCY} => ./third_party/dep
"""

DEP = """\
// Package dep stands for a dependency of somebody else.
package dep

import (
	"errors"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
)

// Revision is linked into the program.
const Revision = "r0"

// ErrEmpty says that there was nothing to sum up.
var ErrEmpty = errors.New("dep: nothing to sum up")

// Step is one stage of a computation.
type Step interface {
	Name() string
	Apply(value uint64) uint64
}

// Mix spreads the bits of a value.
func Mix(value uint64) uint64 {
	value ^= value >> 33
	value *= 0xff51afd7ed558ccd
	value ^= value >> 29
	return value
}

// Sum runs all steps in the order of their names.
func Sum(steps []Step, value uint64) (uint64, error) {
	if len(steps) == 0 {
		return 0, ErrEmpty
	}
	sorted := append([]Step(nil), steps...)
	sort.Slice(sorted, func(i, j int) bool { return sorted[i].Name() < sorted[j].Name() })
	for _, step := range sorted {
		value = Mix(step.Apply(value))
	}
	for _, char := range strings.ToUpper(Revision) {
		value += uint64(char)
	}
	return value, nil
}

// Print writes a checksum to standard output.
func Print(label string, value uint64) {
	fmt.Fprintln(os.Stdout, label, strconv.FormatUint(value, 16))
}
"""

# Functions of a package. ${n} is the function's number, ${a} to ${c} are numbers from the seed.
SHAPES = (
    """\
// loop${n} folds a series of numbers.
func loop${n}(value uint64) uint64 {
	total := value + ${a}
	for i := uint64(0); i < ${b}; i++ {
		if (total+i)%${c} == 0 {
			total += i * ${a}
			continue
		}
		total ^= i << 3
	}
	return total
}

""",
    """\
// count${n} counts remainders in a map and sums them in order.
func count${n}(value uint64) uint64 {
	seen := make(map[uint64]int, ${c})
	for i := uint64(0); i < ${b}; i++ {
		seen[(value+i*${a})%${c}]++
	}
	keys := make([]uint64, 0, len(seen))
	for key := range seen {
		keys = append(keys, key)
	}
	sort.Slice(keys, func(i, j int) bool { return keys[i] < keys[j] })
	total := value
	for place, key := range keys {
		total += key*uint64(place+1) + uint64(seen[key])
	}
	return total
}

""",
    """\
// record${n} is a small table with a name.
type record${n} struct {
	name   string
	weight uint64
	cells  [4]uint64
}

// Name gives the record's name.
func (r *record${n}) Name() string {
	return r.name
}

// Apply adds the record's cells to a value.
func (r *record${n}) Apply(value uint64) uint64 {
	for place := range r.cells {
		r.cells[place] += value>>uint(place) + r.weight
		value += r.cells[place] % ${c}
	}
	return value
}

// build${n} runs a record as a step.
func build${n}(value uint64) uint64 {
	var step dep.Step = &record${n}{name: "record-${a}", weight: ${b}}
	total, err := dep.Sum([]dep.Step{step}, value)
	if err != nil {
		return value
	}
	return total + uint64(len(step.Name()))
}

""",
    """\
// text${n} takes a text apart and reads its numbers back.
func text${n}(value uint64) uint64 {
	parts := make([]string, 0, 4)
	for i := uint64(0); i < 4; i++ {
		parts = append(parts, strconv.FormatUint((value+i*${a})%${b}, 10))
	}
	total := value
	for _, part := range strings.Split(strings.Join(parts, ","), ",") {
		number, err := strconv.ParseUint(part, 10, 64)
		if err != nil {
			return ${c}
		}
		total = total*31 + number
	}
	return total
}

""",
    """\
// check${n} turns a mistake into a number.
func check${n}(value uint64) uint64 {
	if err := limit(value%${b}, ${c}); err != nil {
		if errors.Is(err, errLimit) {
			return value ^ uint64(len(err.Error()))
		}
		return 0
	}
	switch value % 4 {
	case 0:
		return value + ${a}
	case 1:
		return value - ${b}
	default:
		return value * ${c}
	}
}

""",
)
