package main

import (
	"bytes"
	"fmt"
	"io"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.yaml.in/yaml/v3"
)

// blob is text that is content and not a path. As in Tilt it is no string: it has to be turned into one.
type blob struct{ text string }

func (b blob) String() string        { return b.text }
func (b blob) Type() string          { return "blob" }
func (b blob) Freeze()               {}
func (b blob) Truth() starlark.Bool  { return len(b.text) > 0 }
func (b blob) Hash() (uint32, error) { return starlark.String(b.text).Hash() }

// note is what a function returned that only describes something, such as sync or port_forward.
type note struct{ call call }

func (n note) String() string        { return n.call.Function }
func (n note) Type() string          { return n.call.Function }
func (n note) Freeze()               {}
func (n note) Truth() starlark.Bool  { return true }
func (n note) Hash() (uint32, error) { return 0, fmt.Errorf("%s cannot be hashed", n.Type()) }

func textOf(value starlark.Value) (string, error) {
	switch v := value.(type) {
	case blob:
		return v.text, nil
	case starlark.String:
		return string(v), nil
	}
	return "", fmt.Errorf("wanted text, got %s", value.Type())
}

// plain turns a value into what JSON can hold.
func plain(value starlark.Value) any {
	switch v := value.(type) {
	case starlark.NoneType:
		return nil
	case starlark.Bool:
		return bool(v)
	case starlark.String:
		return string(v)
	case blob:
		return v.text
	case note:
		return v.call
	case starlark.Int:
		number, _ := v.Int64()
		return number
	case starlark.Float:
		return float64(v)
	case *starlark.Dict:
		object := map[string]any{}
		for _, item := range v.Items() {
			object[fmt.Sprint(plain(item[0]))] = plain(item[1])
		}
		return object
	case starlark.Iterable:
		list := []any{}
		each := v.Iterate()
		defer each.Done()
		for item := starlark.Value(starlark.None); each.Next(&item); {
			list = append(list, plain(item))
		}
		return list
	}
	return value.String()
}

// value is the reverse of plain for what YAML and JSON hold.
func value(from any) starlark.Value {
	switch v := from.(type) {
	case nil:
		return starlark.None
	case bool:
		return starlark.Bool(v)
	case string:
		return starlark.String(v)
	case int:
		return starlark.MakeInt(v)
	case int64:
		return starlark.MakeInt64(v)
	case uint64:
		return starlark.MakeUint64(v)
	case float64:
		return starlark.Float(v)
	case []any:
		list := starlark.NewList(nil)
		for _, each := range v {
			_ = list.Append(value(each))
		}
		return list
	case map[string]any:
		dict := starlark.NewDict(len(v))
		for key, each := range v {
			_ = dict.SetKey(starlark.String(key), value(each))
		}
		return dict
	}
	return starlark.String(fmt.Sprint(from))
}

func parseYaml(text string) ([]any, error) {
	decoder := yaml.NewDecoder(bytes.NewBufferString(text))
	documents := []any{}
	for {
		var document any
		err := decoder.Decode(&document)
		if err == io.EOF {
			return documents, nil
		}
		if err != nil {
			return nil, err
		}
		if document != nil {
			documents = append(documents, document)
		}
	}
}

func writeYaml(documents []any) (blob, error) {
	out := &bytes.Buffer{}
	encoder := yaml.NewEncoder(out)
	for _, document := range documents {
		if err := encoder.Encode(document); err != nil {
			return blob{}, err
		}
	}
	return blob{out.String()}, encoder.Close()
}

func namespaceOf(members starlark.StringDict) starlark.Value {
	return starlarkstruct.FromStringDict(starlarkstruct.Default, members)
}
