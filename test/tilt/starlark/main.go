// Runs a Tiltfile as Tilt would, in the same interpreter, and prints what it asked of Tilt as one JSON object.
//
//	starlark [-subcommand up] Tiltfile [-- arguments of the Tiltfile]
//
// Helm is run for real; images, clusters and local commands are only written down. A function or an argument that
// Tilt does not have is an error.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// Top-level loops, reassigned globals and sets are what Tilt allows beyond the language.
var options = &syntax.FileOptions{Set: true, TopLevelControl: true, GlobalReassign: true, Recursion: true}

// A call of one of Tilt's functions, its arguments by name.
type call struct {
	Function string         `json:"function"`
	Args     map[string]any `json:"args"`
}

// The workloads among what was given to k8s_yaml, and the resources that Tilt makes of them.
type workload struct {
	Kind     string `json:"kind"`
	Name     string `json:"name"`
	Resource string `json:"resource"`
}

type recorder struct {
	root       string
	subcommand string
	args       []string
	predefined starlark.StringDict
	modules    map[string]*module
	defined    map[string]definition
	calls      []call
	objects    []any
	rename     starlark.Callable
}

type definition struct {
	kind  string
	value starlark.Value
}

type module struct {
	globals starlark.StringDict
	err     error
}

func main() {
	subcommand := flag.String("subcommand", "up", "what Tilt was called with: up or ci")
	flag.Parse()
	if flag.NArg() == 0 {
		fail(fmt.Errorf("give the path of the Tiltfile"))
	}
	path, err := filepath.Abs(flag.Arg(0))
	fail(err)
	args := flag.Args()[1:]
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	r := &recorder{root: filepath.Dir(path), subcommand: *subcommand, args: args}
	r.modules, r.defined, r.calls = map[string]*module{}, map[string]definition{}, []call{}
	r.predefined = r.builtins()
	_, err = r.load(path)
	fail(err)
	workloads, err := r.workloads()
	fail(err)
	out := map[string]any{"calls": r.calls, "objects": r.objects, "workloads": workloads}
	fail(json.NewEncoder(os.Stdout).Encode(out))
}

func fail(err error) {
	if err == nil {
		return
	}
	if trace, ok := err.(*starlark.EvalError); ok {
		fmt.Fprintln(os.Stderr, trace.Backtrace())
	} else {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(1)
}

// load runs a file once, however often it is loaded.
func (r *recorder) load(path string) (starlark.StringDict, error) {
	if known, ok := r.modules[path]; ok {
		if known == nil {
			return nil, fmt.Errorf("%s loads itself", path)
		}
		return known.globals, known.err
	}
	r.modules[path] = nil
	thread := &starlark.Thread{
		Name:  path,
		Load:  func(_ *starlark.Thread, name string) (starlark.StringDict, error) { return r.loadFrom(path, name) },
		Print: func(_ *starlark.Thread, text string) { fmt.Fprintln(os.Stderr, text) },
	}
	globals, err := starlark.ExecFileOptions(options, thread, path, nil, r.predefined)
	r.modules[path] = &module{globals, err}
	return globals, err
}

func (r *recorder) loadFrom(path, name string) (starlark.StringDict, error) {
	if !filepath.IsLocal(name) {
		return nil, fmt.Errorf("%s: only files of the checkout are loaded, nothing from the network", name)
	}
	return r.load(filepath.Join(filepath.Dir(path), name))
}

func (r *recorder) workloads() ([]workload, error) {
	found := []workload{}
	for _, each := range r.objects {
		object, _ := each.(map[string]any)
		metadata, _ := object["metadata"].(map[string]any)
		kind, _ := object["kind"].(string)
		name, _ := metadata["name"].(string)
		namespace, _ := metadata["namespace"].(string)
		switch kind {
		case "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod":
		default:
			continue
		}
		resource, err := r.resourceOf(name, kind, namespace)
		if err != nil {
			return nil, err
		}
		found = append(found, workload{kind, name, resource})
	}
	return found, nil
}
