package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"

	"go.starlark.net/starlark"
)

var helmTest = regexp.MustCompile(`(?m)^# Source: .*/tests/`)

// helm renders a chart; what belongs to its tests is left out, as Tilt leaves it out.
func (r *recorder) helm(args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	parameters := []string{"pathToChart", "name?", "namespace?", "values?", "set?", "kube_version?", "skip_crds?"}
	given, err := named("helm", parameters, args, kwargs)
	if err != nil {
		return nil, err
	}
	chart, _ := textOf(given["pathToChart"])
	command := []string{"template", fmt.Sprint(plain(given["name"])), r.absolute(chart), "--include-crds"}
	for _, name := range []string{"namespace", "kube_version"} {
		if given[name] != nil {
			command = append(command, "--"+strings.ReplaceAll(name, "_", "-"), fmt.Sprint(plain(given[name])))
		}
	}
	for _, name := range []string{"values", "set"} {
		list, _ := given[name].(*starlark.List)
		for index := 0; list != nil && index < list.Len(); index++ {
			command = append(command, "--"+name, fmt.Sprint(plain(list.Index(index))))
		}
	}
	text, err := r.execute("helm", command)
	kept := []string{}
	for _, document := range strings.Split(text, "---\n") {
		if !helmTest.MatchString(document) {
			kept = append(kept, document)
		}
	}
	return blob{strings.Join(kept, "---\n")}, err
}

func (r *recorder) execute(program string, args []string) (string, error) {
	command, stderr := exec.Command(program, args...), &bytes.Buffer{}
	command.Dir, command.Stderr = r.root, stderr
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", program, err, stderr)
	}
	return string(out), nil
}

// local runs a program while the Tiltfile is read. Helm is the only one that may be needed for that.
func (r *recorder) local(args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	parameters := []string{"command", "quiet?", "command_bat?", "echo_off?", "env?", "dir?", "stdin?"}
	given, err := named("local", parameters, args, kwargs)
	if err != nil {
		return nil, err
	}
	words, _ := plain(given["command"]).([]any)
	if len(words) == 0 || words[0] != "helm" {
		return nil, fmt.Errorf("%v is not Helm with a list of arguments", given["command"])
	}
	command := []string{}
	for _, word := range words[1:] {
		command = append(command, fmt.Sprint(word))
	}
	text, err := r.execute("helm", command)
	return blob{text}, err
}

func (r *recorder) k8sYaml(args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	given, err := named("k8s_yaml", []string{"yaml", "allow_duplicates?"}, args, kwargs)
	if err != nil {
		return nil, err
	}
	parts := []starlark.Value{given["yaml"]}
	if list, ok := given["yaml"].(*starlark.List); ok {
		parts = nil
		for index := 0; index < list.Len(); index++ {
			parts = append(parts, list.Index(index))
		}
	}
	for _, part := range parts {
		text, isBlob := part.(blob)
		if !isBlob {
			path, err := textOf(part)
			if err != nil {
				return nil, err
			}
			content, err := os.ReadFile(r.absolute(path))
			if err != nil {
				return nil, err
			}
			text = blob{string(content)}
		}
		documents, err := parseYaml(text.text)
		if err != nil {
			return nil, err
		}
		r.objects = append(r.objects, documents...)
	}
	return starlark.None, nil
}

func decodeYamlStream(args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	return onText1("yaml", func(text string) (starlark.Value, error) {
		documents, err := parseYaml(text)
		return value(documents), err
	})(args, kwargs)
}

func encodeYaml(args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	given, err := named("encode_yaml", []string{"obj"}, args, kwargs)
	if err != nil {
		return nil, err
	}
	return writeYaml([]any{plain(given["obj"])})
}

func encodeYamlStream(args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	given, err := named("encode_yaml_stream", []string{"objs"}, args, kwargs)
	if err != nil {
		return nil, err
	}
	documents, _ := plain(given["objs"]).([]any)
	return writeYaml(documents)
}
