package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.starlark.net/starlark"
)

// Functions that only tell Tilt something, with the names of their arguments in their order; "?" may be left out.
var told = map[string][]string{
	"allow_k8s_contexts": {"contexts"},
	"version_settings":   {"check_updates?", "constraint?"},
	"update_settings":    {"max_parallel_updates?", "k8s_upsert_timeout_secs?", "suppress_unused_image_warnings?"},
	"ci_settings":        {"k8s_grace_period?", "timeout?", "readiness_timeout?"},
	"secret_settings":    {"disable_scrub?"},
	"watch_file":         {"file_path"},
	"docker_build": {"ref", "context", "build_args?", "dockerfile?", "dockerfile_contents?", "cache?", "live_update?",
		"match_in_env_vars?", "ignore?", "only?", "entrypoint?", "container_args?", "target?", "ssh?", "secret?",
		"network?", "extra_tag?", "cache_from?", "pull?", "platform?"},
	"k8s_resource": {"workload?", "new_name?", "port_forwards?", "extra_pod_selectors?", "trigger_mode?",
		"resource_deps?", "objects?", "auto_init?", "pod_readiness?", "links?", "labels?", "discovery_strategy?"},
	"local_resource": {"name", "cmd?", "deps?", "trigger_mode?", "resource_deps?", "ignore?", "auto_init?",
		"serve_cmd?", "cmd_bat?", "serve_cmd_bat?", "allow_parallel?", "links?", "tags?", "env?", "serve_env?",
		"readiness_probe?", "dir?", "serve_dir?", "labels?"},
}

// Functions that describe something for an argument of the others.
var noted = map[string][]string{
	"sync":         {"local_path", "remote_path"},
	"run":          {"cmd", "trigger?", "echo_off?"},
	"fall_back_on": {"files"},
	"link":         {"url", "name?"},
	"port_forward": {"local_port", "container_port?", "name?", "link_path?", "host?"},
}

type builtin func(args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error)

func (r *recorder) builtins() starlark.StringDict {
	all := starlark.StringDict{
		"TRIGGER_MODE_AUTO":   starlark.String("auto"),
		"TRIGGER_MODE_MANUAL": starlark.String("manual"),
		"os": namespaceOf(starlark.StringDict{"path": namespaceOf(starlark.StringDict{
			"join":     function("join", joinPaths),
			"basename": function("basename", onText("path", filepath.Base)),
			"dirname":  function("dirname", onText("path", filepath.Dir)),
		})}),
		"config": namespaceOf(starlark.StringDict{
			"main_dir":        starlark.String(r.root),
			"main_path":       starlark.String(filepath.Join(r.root, "Tiltfile")),
			"tilt_subcommand": starlark.String(r.subcommand),
			"define_bool":     function("define_bool", r.define("bool", starlark.False)),
			"define_string":   function("define_string", r.define("string", starlark.String(""))),
			"parse":           function("parse", r.parseConfig),
		}),
	}
	for name, parameters := range told {
		all[name] = function(name, r.tell(name, parameters))
	}
	for name, parameters := range noted {
		all[name] = function(name, describe(name, parameters))
	}
	for name, does := range map[string]builtin{
		"blob":                          onText1("input", func(text string) (starlark.Value, error) { return blob{text}, nil }),
		"read_file":                     r.readFile,
		"read_json":                     r.readDocument,
		"read_yaml":                     r.readDocument,
		"listdir":                       r.listDir,
		"helm":                          r.helm,
		"local":                         r.local,
		"k8s_yaml":                      r.k8sYaml,
		"decode_yaml_stream":            decodeYamlStream,
		"encode_yaml":                   encodeYaml,
		"encode_yaml_stream":            encodeYamlStream,
		"workload_to_resource_function": r.setRename,
	} {
		all[name] = function(name, does)
	}
	return all
}

func function(name string, does builtin) *starlark.Builtin {
	return starlark.NewBuiltin(name, func(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		result, err := does(args, kwargs)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return result, nil
	})
}

// named gives the arguments by name and refuses those that the function does not have.
func named(name string, parameters []string, args starlark.Tuple, kwargs []starlark.Tuple) (map[string]starlark.Value, error) {
	values := make([]starlark.Value, len(parameters))
	pairs := make([]any, 0, 2*len(parameters))
	for index, parameter := range parameters {
		pairs = append(pairs, parameter, &values[index])
	}
	if err := starlark.UnpackArgs(name, args, kwargs, pairs...); err != nil {
		return nil, err
	}
	given := map[string]starlark.Value{}
	for index, parameter := range parameters {
		if values[index] != nil {
			given[strings.TrimSuffix(parameter, "?")] = values[index]
		}
	}
	return given, nil
}

func describe(name string, parameters []string) builtin {
	return func(args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		given, err := named(name, parameters, args, kwargs)
		if err != nil {
			return nil, err
		}
		plainArgs := map[string]any{}
		for key, each := range given {
			plainArgs[key] = plain(each)
		}
		return note{call{name, plainArgs}}, nil
	}
}

func (r *recorder) tell(name string, parameters []string) builtin {
	note1 := describe(name, parameters)
	return func(args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		told, err := note1(args, kwargs)
		if err == nil {
			r.calls = append(r.calls, told.(note).call)
		}
		return starlark.None, err
	}
}

func onText(parameter string, change func(string) string) builtin {
	return onText1(parameter, func(text string) (starlark.Value, error) { return starlark.String(change(text)), nil })
}

func onText1(parameter string, does func(string) (starlark.Value, error)) builtin {
	return func(args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		var given starlark.Value
		if err := starlark.UnpackArgs("", args, kwargs, parameter, &given); err != nil {
			return nil, err
		}
		text, err := textOf(given)
		if err != nil {
			return nil, err
		}
		return does(text)
	}
}

func joinPaths(args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	parts := []string{}
	for _, each := range args {
		text, err := textOf(each)
		if err != nil {
			return nil, err
		}
		parts = append(parts, text)
	}
	return starlark.String(filepath.Join(parts...)), nil
}

func (r *recorder) define(kind string, initial starlark.Value) builtin {
	return func(args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		given, err := named("define", []string{"name", "args?", "usage?"}, args, kwargs)
		if err == nil {
			r.defined[fmt.Sprint(plain(given["name"]))] = definition{kind, initial}
		}
		return starlark.None, err
	}
}

// parseConfig reads the arguments behind "--". As in Tilt, what was not given is not in the result.
func (r *recorder) parseConfig(starlark.Tuple, []starlark.Tuple) (starlark.Value, error) {
	parsed := starlark.NewDict(0)
	for rest := r.args; len(rest) > 0; rest = rest[1:] {
		name, text, isAssigned := strings.Cut(strings.TrimLeft(rest[0], "-"), "=")
		defined, isKnown := r.defined[name]
		switch {
		case !isKnown:
			return nil, fmt.Errorf("the Tiltfile does not define %s", rest[0])
		case defined.kind == "bool":
			_ = parsed.SetKey(starlark.String(name), starlark.Bool(text != "false"))
		case isAssigned:
			_ = parsed.SetKey(starlark.String(name), starlark.String(text))
		default:
			return nil, fmt.Errorf("%s wants a value", rest[0])
		}
	}
	return parsed, nil
}

func (r *recorder) absolute(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(r.root, path)
}

func (r *recorder) readText(args starlark.Tuple, kwargs []starlark.Tuple) (string, error) {
	given, err := named("read", []string{"path", "default?"}, args, kwargs)
	if err != nil {
		return "", err
	}
	path, err := textOf(given["path"])
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(r.absolute(path))
	return string(text), err
}

func (r *recorder) readFile(args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	text, err := r.readText(args, kwargs)
	return blob{text}, err
}

// JSON is YAML.
func (r *recorder) readDocument(args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	text, err := r.readText(args, kwargs)
	if err != nil {
		return nil, err
	}
	documents, err := parseYaml(text)
	if err != nil || len(documents) != 1 {
		return nil, fmt.Errorf("not one document: %w", err)
	}
	return value(documents[0]), nil
}

// listDir gives the files of a folder, without folders, as Tilt does.
func (r *recorder) listDir(args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	return onText1("directory", func(path string) (starlark.Value, error) {
		entries, err := os.ReadDir(r.absolute(path))
		files := starlark.NewList(nil)
		for _, entry := range entries {
			if !entry.IsDir() {
				_ = files.Append(starlark.String(filepath.Join(r.absolute(path), entry.Name())))
			}
		}
		return files, err
	})(args, kwargs)
}

func (r *recorder) setRename(args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	given, err := named("workload_to_resource_function", []string{"func"}, args, kwargs)
	if err != nil {
		return nil, err
	}
	rename, ok := given["func"].(starlark.Callable)
	if !ok {
		return nil, fmt.Errorf("wanted a function, got %s", given["func"].Type())
	}
	r.rename = rename
	return starlark.None, nil
}

func (r *recorder) resourceOf(name, kind, namespace string) (string, error) {
	if r.rename == nil {
		return name, nil
	}
	id := namespaceOf(starlark.StringDict{
		"name": starlark.String(name), "kind": starlark.String(kind), "namespace": starlark.String(namespace),
	})
	result, err := starlark.Call(&starlark.Thread{Name: "rename"}, r.rename, starlark.Tuple{id}, nil)
	if err != nil {
		return "", err
	}
	return textOf(result)
}
