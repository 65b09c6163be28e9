{{/* Configuration of the embedded NATS. Passwords come from its environment. */}}
{{- define "breakwater.nats.conf" -}}
{{- $nats := .Values.nats -}}
{{- $storeBytes := include "breakwater.bytes" $nats.persistence.size | int64 -}}
server_name: $POD_NAME
listen: "0.0.0.0:4222"
http: "0.0.0.0:8222"
max_payload: 1MB
max_pending: 64MB
write_deadline: "10s"
ping_interval: "20s"

jetstream {
  store_dir: "/data"
  max_memory_store: 64MB
  max_file_store: {{ div (mul (div $storeBytes 1048576) 90) 100 }}MB
  sync_interval: {{ $nats.jetstream.syncInterval | quote }}
}
{{- if $nats.tls.enabled }}

tls {
  cert_file: "/etc/nats-tls/tls.crt"
  key_file: "/etc/nats-tls/tls.key"
  timeout: 5
}
{{- end }}

authorization {
  timeout: 5
  users: [
    {{- range $user, $permissions := .Files.Get "files/nats-permissions.yaml" | fromYaml }}
    {
      user: {{ $user }}
      password: $NATS_PASSWORD_{{ upper $user }}
      permissions: {
        publish: [
          {{- include "breakwater.nats.subjects" (dict "subjects" $permissions.publish "root" $) | nindent 10 }}
        ]
        subscribe: [
          {{- include "breakwater.nats.subjects" (dict "subjects" $permissions.subscribe "root" $) | nindent 10 }}
        ]
        allow_responses: true
      }
    }
    {{- end }}
  ]
}
{{- end -}}

{{/* Subjects one a line; those with <p> once for every partition. */}}
{{- define "breakwater.nats.subjects" -}}
{{- $partitions := int .root.Values.installation.partitions -}}
{{- $lines := list -}}
{{- range $subject := .subjects -}}
{{- if contains "<p>" $subject -}}
{{- range $partition := until $partitions -}}
{{- $lines = append $lines (replace "<p>" (toString $partition) $subject | quote) -}}
{{- end -}}
{{- else -}}
{{- $lines = append $lines (quote $subject) -}}
{{- end -}}
{{- end -}}
{{- join "\n" $lines -}}
{{- end -}}
