package agenttest

import (
	"embed"
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// A contract is a line for each message and enum: its name, then each member's
// number, name and type ("oneof" marks those of which one is set).
//
//go:embed contracts
var contracts embed.FS

// contract returns the messages of a version.
func contract(version string) (protoreflect.FileDescriptor, error) {
	data, err := contracts.ReadFile("contracts/" + version + ".txt")
	if err != nil {
		return nil, err
	}
	file := &descriptorpb.FileDescriptorProto{Name: proto.String(version + ".proto"), Package: proto.String("workflow_agent"), Syntax: proto.String("proto3")}
	enums := map[string]bool{}
	for line := range strings.Lines(string(data)) {
		name, members, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if len(strings.Fields(strings.Split(members, "; ")[0])) == 2 {
			enums[name] = true
			file.EnumType = append(file.EnumType, enum(name, members))
		}
	}
	for line := range strings.Lines(string(data)) {
		name, members, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if !enums[name] {
			file.MessageType = append(file.MessageType, message(name, members, enums))
		}
	}
	fd, err := protodesc.NewFile(file, nil)
	if err != nil {
		return nil, fmt.Errorf("contract of %s: %w", version, err)
	}
	return fd, nil
}

func enum(name, members string) *descriptorpb.EnumDescriptorProto {
	e := &descriptorpb.EnumDescriptorProto{Name: &name}
	for m := range strings.SplitSeq(members, "; ") {
		parts := strings.Fields(m)
		e.Value = append(e.Value, &descriptorpb.EnumValueDescriptorProto{Number: number(parts[0]), Name: &parts[1]})
	}
	return e
}

func message(name, members string, enums map[string]bool) *descriptorpb.DescriptorProto {
	out := &descriptorpb.DescriptorProto{Name: &name}
	for m := range strings.SplitSeq(members, "; ") {
		parts := strings.Fields(m)
		f := &descriptorpb.FieldDescriptorProto{Number: number(parts[0]), Name: &parts[1], Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum()}
		kind := parts[2]
		if kind == "repeated" {
			f.Label, kind = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum(), parts[3]
		}
		if kind == "map<string,string>" {
			entry := mapEntry(parts[1])
			out.NestedType = append(out.NestedType, entry)
			f.Label, kind = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum(), name+"."+entry.GetName()
		}
		f.Type, f.TypeName = typeOf(kind, enums)
		if parts[len(parts)-1] == "oneof" {
			if len(out.OneofDecl) == 0 {
				out.OneofDecl = append(out.OneofDecl, &descriptorpb.OneofDescriptorProto{Name: proto.String("content")})
			}
			f.OneofIndex = proto.Int32(0)
		}
		out.Field = append(out.Field, f)
	}
	return out
}

// mapEntry is the message that stands for a map's pair.
func mapEntry(field string) *descriptorpb.DescriptorProto {
	var name strings.Builder
	for part := range strings.SplitSeq(field, "_") {
		name.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	name.WriteString("Entry")
	entry := message(name.String(), "1 key string; 2 value string", nil)
	entry.Options = &descriptorpb.MessageOptions{MapEntry: proto.Bool(true)}
	return entry
}

func typeOf(kind string, enums map[string]bool) (*descriptorpb.FieldDescriptorProto_Type, *string) {
	switch kind {
	case "string":
		return descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum(), nil
	case "int64":
		return descriptorpb.FieldDescriptorProto_TYPE_INT64.Enum(), nil
	case "int32":
		return descriptorpb.FieldDescriptorProto_TYPE_INT32.Enum(), nil
	case "float":
		return descriptorpb.FieldDescriptorProto_TYPE_FLOAT.Enum(), nil
	case "bool":
		return descriptorpb.FieldDescriptorProto_TYPE_BOOL.Enum(), nil
	}
	name := ".workflow_agent." + kind
	if enums[kind] {
		return descriptorpb.FieldDescriptorProto_TYPE_ENUM.Enum(), &name
	}
	return descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum(), &name
}

func number(s string) *int32 {
	n, _ := strconv.ParseInt(s, 10, 32) // 0, which no field may have, when it is none
	out := int32(n)
	return &out
}
