# Installs the program mockaa of a release, on Windows: ./install.ps1 [-To FOLDER] [-From URL].
# The checksum of the archive is in this file, so that an archive from another place is verified too.
param(
    [string]$To = "$env:LOCALAPPDATA\Programs\mockaa",
    [string]$From = 'https://github.com/@REPOSITORY@/releases/download/v@VERSION@'
)
$ErrorActionPreference = 'Stop'

$version = '@VERSION@'
$name = "mockaa-$version-x86_64-pc-windows-msvc"
$work = Join-Path ([IO.Path]::GetTempPath()) ([Guid]::NewGuid())
New-Item -ItemType Directory $work | Out-Null
try {
    Invoke-WebRequest -UseBasicParsing "$From/$name.zip" -OutFile "$work\$name.zip"
    $expected = '@SHA256:x86_64-pc-windows-msvc@'
    $found = (Get-FileHash -Algorithm SHA256 "$work\$name.zip").Hash.ToLower()
    if ($expected -ne $found) { throw "the checksum of $name.zip is $found, not $expected; nothing is installed" }
    Expand-Archive "$work\$name.zip" $work
    New-Item -ItemType Directory -Force $To | Out-Null
    Copy-Item -Force "$work\$name\mockaa.exe" $To
    Write-Output "installed $(& "$To\mockaa.exe" --version) as $To\mockaa.exe"
    if (($env:PATH -split ';') -notcontains $To) { Write-Output "add $To to your PATH" }
}
finally {
    Remove-Item -Recurse -Force $work
}
