@echo off
rem Starts the lab from this kit. The first start installs it, without a network.
setlocal
set "KIT=%~dp0"
for %%v in (14 13 12 11) do if exist "%KIT%locks\windows-py3%%v.lock" (
  py -3.%%v -c "" >nul 2>nul
  if not errorlevel 1 (
    py -3.%%v "%KIT%lab\start.py" %*
    if errorlevel 2 pause
    exit /b
  )
)
echo Prayog: no Python that this kit serves was found. Install one of these from python.org, then start this again:
dir /b "%KIT%locks\windows-*.lock"
pause
exit /b 2
